/**
 * What is passed on of a caller's request: what the call means, never who makes it, from where, or over which connection.
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

/** What is passed on of a provider's answer, beside what tells of its rate limits. Never a cookie, a challenge or a rule for browsers. */
const answerHeaders: ReadonlySet<string> = new Set([
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
 * Picks the headers of a request that go to the provider.
 *
 * @param headers - as they came, names in lower case
 * @param wanted - names of further headers that the provider's API wants, in any case
 */
export function passedToProvider(headers: Headers, wanted: readonly string[]): Record<string, string> {
  const names = [...requestHeaders, ...wanted.map((name) => name.toLowerCase())];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, [value].flat().join(', ')]];
    }),
  );
}

/** Picks the headers of a provider's answer that go to the caller. */
export function passedToCaller(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value !== undefined && (answerHeaders.has(name) || /rate-?limit/.test(name))
        ? [[name, [value].flat().join(', ')]]
        : [],
    ),
  );
}
