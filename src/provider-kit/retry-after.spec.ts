import { describe, expect, it } from '@jest/globals';
import { parseRetryAfterSeconds } from './retry-after.js';

const now = new Date('2026-03-01T12:00:00.500Z');

describe('parseRetryAfterSeconds', () => {
  it.each<[value: string | undefined, seconds: number | undefined]>([
    ['0', 0],
    ['120', 120],
    [' 120 ', 120],
    ['86400', 86_400],
    ['86401', 86_400],
    ['31536000', 86_400],
    ['31536001', undefined],
    ['99999999999999999999', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['5, 6', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    ['Sun, 01 Mar 2026 12:02:00 GMT', 120],
    ['Tue, 03 Mar 2026 12:00:00 GMT', 86_400],
    ['Sun, 01 Mar 2026 12:00:00 GMT', 0],
    ['Sun, 01 Mar 2026 11:59:00 GMT', undefined],
    ['Fri, 31 Dec 9999 23:59:59 GMT', undefined],
    ['Sun, 99 Xyz 2026 12:00:00 GMT', undefined],
    ['2026-03-01T12:02:00Z', undefined],
  ])('reads %j as %s', (value, seconds) => {
    expect(parseRetryAfterSeconds(value, now)).toBe(seconds);
  });
});
