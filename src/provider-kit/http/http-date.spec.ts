import { describe, expect, it } from '@jest/globals';
import { parseHttpDate } from './http-date.js';

const now = new Date('2026-03-01T12:00:00Z');

describe('parseHttpDate', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads %s, an example of RFC 9110',
    (text) => {
      expect(new Date(parseHttpDate(text, now)).toISOString()).toBe('1994-11-06T08:49:37.000Z');
    },
  );

  it('takes a year of two digits for one at most 50 years ahead', () => {
    const yearOf = (text: string): number => new Date(parseHttpDate(text, now)).getUTCFullYear();
    expect(yearOf('Sunday, 01-Mar-76 12:00:00 GMT')).toBe(2076);
    expect(yearOf('Sunday, 01-Mar-77 12:00:00 GMT')).toBe(1977);
    expect(yearOf('Sunday, 01-Mar-00 12:00:00 GMT')).toBe(2000);
  });
});
