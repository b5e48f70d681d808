import { RequestInvalidError } from '../errors/request.errors.js';

/**
 * The headers of a caller's request that are passed on. They are about the call, never about its sender, address or
 * connection.
 */
const requestHeaders = [
  'accept',
  'accept-language',
  'content-encoding',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-exist',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'prefer',
  'range',
];

/**
 * Response headers of a provider that are passed on, beside those about its rate limits. Never a cookie, a challenge or
 * a rule for browsers.
 */
const responseHeaders: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-disposition',
  'content-language',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location',
  'retry-after',
]);

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Picks the headers of a request that go to the provider. A header that `Connection` names is for us only, and is left
 * out.
 *
 * @param headers - as received, names in lower case
 * @param wanted - names of further headers that the provider's API needs, in any case
 * @throws {@link RequestInvalidError} when one of them has bytes beyond ASCII: servers disagree on their meaning
 * @see RFC 9110 section 7.6.1 (`Connection`) and 5.5 (field values)
 */
export function passedToProvider(headers: Headers, wanted: readonly string[]): Record<string, string> {
  const ours = namedByConnection(headers);
  const names = [...requestHeaders, ...wanted.map((name) => name.toLowerCase())].filter((name) => !ours.has(name));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = [headers[name] ?? []].flat().join(', ');
      if (/[^\t\x20-\x7e]/.test(value)) {
        throw new RequestInvalidError(`The header ${name} must be ASCII to be passed on. Encode its value.`);
      }
      return headers[name] === undefined ? [] : [[name, value]];
    }),
  );
}

/** Picks the headers of a provider's response that go to the caller, without those that its `Connection` names. */
export function passedToCaller(headers: Headers): Record<string, string> {
  const ours = namedByConnection(headers);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && !ours.has(name) && (responseHeaders.has(name) || /rate-?limit/.test(name))
        ? [[name, [value].flat().join(', ')]]
        : [],
    ),
  );
}

function namedByConnection({ connection = '' }: Headers): ReadonlySet<string> {
  const names = [connection].flat().join(',').toLowerCase().split(',');
  return new Set(names.map((name) => name.trim()));
}
