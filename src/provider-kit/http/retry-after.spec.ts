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
    ['0.493', 1],
    ['2.542', 3],
    ['120.0', 120],
    ['1.', undefined],
    ['.5', undefined],
    ['1e3', undefined],
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
    ['Sun, 31 Feb 2026 12:00:00 GMT', undefined],
    ['Sun, 01 Mar 2026 24:02:00 GMT', undefined],
    ['Sun, 01 Mar 2026 12:02:00 UTC', 120],
    ['Sun, 01 Mar 2026 12:02:00 +0000', 120],
    ['Sun, 01 Mar 2026 12:02:00 +0100', undefined],
    ['Sunday, 01-Mar-26 12:02:00 GMT', 120],
    ['Sunday, 01-Mar-26 12:02:00 UTC', 120],
    ['Sunday, 06-Nov-94 08:49:37 GMT', undefined],
    ['Sun Mar  1 12:02:00 2026', 120],
    ['Tue Mar 03 12:00:00 2026', 86_400],
    ['Sun Nov  6 08:49:37 1994', undefined],
    ['2026-03-01T12:02:00Z', undefined],
  ])('reads %j as %s', (value, seconds) => {
    expect(parseRetryAfterSeconds(value, now)).toBe(seconds);
  });
});
