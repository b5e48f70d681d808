import { describe, expect, it } from '@jest/globals';
import { lifetimeText } from './lifetime-text.js';

describe('the lifetime of a token in words', () => {
  it.each([
    ['2026-01-01T01:00:00.000Z', '60 minutes'],
    ['2026-01-01T00:01:59.600Z', '2 minutes'],
    ['2026-01-01T00:01:59.000Z', '119 seconds'],
    ['2026-01-01T00:00:00.000Z', 'has expired'],
    [null, 'has no known end'],
  ])('says of %s: %s', (expiresAt, text) => {
    expect(lifetimeText(expiresAt, Date.UTC(2026, 0, 1))).toBe(text);
  });
});
