const oneDayInSeconds = 24 * 3600;
const oneYearInSeconds = 365 * oneDayInSeconds;

/**
 * Reads a `Retry-After` header: seconds, or a date in the form that HTTP senders must use.
 *
 * @param value - the header; `undefined` when absent
 * @param now - what a date is compared with
 * @returns whole seconds in [0, 86400], more being cut; `undefined` when the header is absent, in neither form, in the past or
 *   more than a year ahead
 * @see RFC 9110 section 10.2.3, https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfterSeconds(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : secondsUntil(text, now);
  return seconds >= 0 && seconds <= oneYearInSeconds ? Math.min(seconds, oneDayInSeconds) : undefined;
}

/** Returns `NaN` for anything but the preferred form; `Date.parse` alone takes `-5` for a date. */
function secondsUntil(date: string, now: Date): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(date)
    ? Math.ceil((Date.parse(date) - now.getTime()) / 1000) + 0 // never -0
    : Number.NaN;
}
