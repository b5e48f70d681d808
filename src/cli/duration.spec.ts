import { describe, expect, it } from '@jest/globals';
import { parseDurationMs } from './duration.js';

describe('parseDurationMs', () => {
  it.each([
    ['1m', 60_000],
    ['24h', 86_400_000],
    ['90d', 7_776_000_000],
    ['0h', 0],
  ])('reads %s', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each(['', '1', 'h', '-1h', '1.5h', '1 h', '1w', '100000d', '1h2m'])('refuses "%s"', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});
