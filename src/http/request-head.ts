import type { IncomingMessage } from 'node:http';

/**
 * Headers that decide about destination, sender and body of a request. If one is repeated, two servers may pick
 * different values.
 */
const singular = new Set(['host', 'authorization', 'content-type']);
const lengths = new Set([...singular].map(({ length }) => length));

/**
 * Returns why the head of a request is ambiguous.
 *
 * @param request - as parsed by Node, which keeps the first of two such headers and shows both only in `rawHeaders`
 * @returns a sentence for the caller; `undefined` if the head is clear
 * @see RFC 9112 section 3.2 (`Host`), RFC 9110 section 5.3 (repeated fields)
 */
export function findHeadObjection({
  rawHeaders,
  httpVersionMajor,
  httpVersionMinor,
}: Pick<IncomingMessage, 'rawHeaders' | 'httpVersionMajor' | 'httpVersionMinor'>): string | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? '';
    const name = lengths.has(raw.length) ? raw.toLowerCase() : '';
    if (singular.has(name)) {
      if (seen.has(name)) {
        return `The header ${name} must be sent once.`;
      }
      seen.add(name);
    }
  }
  const isHttp10 = httpVersionMajor === 1 && httpVersionMinor === 0;
  return seen.has('host') || isHttp10 ? undefined : 'The header host is missing.';
}
