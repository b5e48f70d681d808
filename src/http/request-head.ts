import type { IncomingMessage } from 'node:http';

/**
 * Headers that decide where a request goes, who sends it and how its body is read. With two of them, two servers may
 * pick different ones.
 */
const singular = new Set(['host', 'authorization', 'content-type']);
const lengths = new Set([...singular].map(({ length }) => length));

/**
 * Says why the head of a request is ambiguous.
 *
 * @param request - as Node has parsed it, which keeps the first of two such headers and tells only in `rawHeaders`
 * @returns a sentence for the caller; `undefined` where the head is clear
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
