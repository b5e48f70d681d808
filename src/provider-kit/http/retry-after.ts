import { parseHttpDate } from './http-date.js';

const oneDayInSeconds = 24 * 3600;
const oneYearInSeconds = 365 * oneDayInSeconds;

/**
 * Reads a `Retry-After` header: seconds, also with a fraction, or a date in one of the three forms of HTTP.
 *
 * @param value - the header; `undefined` when absent
 * @param now - the instant from which a date counts
 * @returns whole seconds in [0, 86400]. Fractions are rounded up, and larger values are cut. `undefined` when the
 *   header is absent, in another form, in the past, or more than a year ahead.
 * @see RFC 9110 section 10.2.3, https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfterSeconds(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  const exact = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : (parseHttpDate(text, now) - now.getTime()) / 1000;
  const seconds = Math.ceil(exact) + 0; // never -0
  return seconds >= 0 && seconds <= oneYearInSeconds ? Math.min(seconds, oneDayInSeconds) : undefined;
}
