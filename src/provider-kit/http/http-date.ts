const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const time = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;

/** The three forms that recipients must read. Some servers write the zone of the first two as `UTC` or `+0000`. */
const forms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(
    String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${time} (GMT|UTC|\+0000)$`,
  ),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) ${time} (GMT|UTC|\+0000)$`,
  ),
  // Sun Nov  6 08:49:37 1994
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${time} (?<year>\d{4})$`),
] as const;

/**
 * Reads a date of an HTTP header.
 *
 * @param text - without white space around it
 * @param now - decides the century of a year of two digits. A date more than 50 years ahead is in the past instead.
 * @returns milliseconds since 1970; `NaN` when it is in none of the three forms
 * @see RFC 9110 section 5.6.7, https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
export function parseHttpDate(text: string, now: Date): number {
  const parts = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const month = months.indexOf(parts?.['month'] ?? '');
  if (parts === undefined || month < 0) {
    return Number.NaN;
  }
  const number = (name: string): number => Number(parts[name]);
  const year = parts['year']?.length === 2 ? fullYear(number('year'), now.getUTCFullYear()) : number('year');
  const midnight = Date.UTC(year, month, number('day'));
  const exists = new Date(midnight).getUTCDate() === number('day') && number('hour') < 24 && number('minute') < 60;
  return exists ? midnight + ((number('hour') * 60 + number('minute')) * 60 + number('second')) * 1_000 : Number.NaN;
}

function fullYear(lastTwo: number, thisYear: number): number {
  const year = thisYear - (thisYear % 100) + lastTwo;
  return year > thisYear + 50 ? year - 100 : year;
}
