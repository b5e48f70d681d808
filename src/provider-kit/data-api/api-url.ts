import { RequestInvalidError } from '../../errors/request.errors.js';
import { formDecode } from '../http/percent-encoding.js';
import { refuseCredentials } from './sent-credentials.js';

/** A path of segments by RFC 3986 section 3.3, but without `@`, which looks like a user name. */
const plainPath = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:/]|%[0-9A-Fa-f]{2})*$/;
/**
 * Dots, slashes and control characters that are escaped once or repeatedly: a server on the way may decode them. Also
 * escaped hexadecimal digits, which nobody needs to escape: only decoding would show their meaning.
 */
const hidden = /%(?:25)*(?:2e|2f|5c|[01][0-9a-f]|7f|3[0-9]|[46][1-6])/i;
/**
 * An empty segment that is not the last, or a segment that leads up or stays. Some servers cut a segment at `;`, `?` or
 * `#`, even if the character is escaped.
 */
const leadsAway = /(?:^|\/)(?:\/|\.{1,2}(?:[;%]|\/|$))/;
/** Characters that lead away, in compatibility forms too: a server that normalizes reads U+FF0E as a dot. */
const leading = /[./\\%;?#@:\p{Cc}]/u;
/** How often a path is decoded: more often than any server on the way does. */
const maxDecodings = 8;
/** Printable ASCII without `#`. */
const plainQuery = /^[\x21\x22\x24-\x7e]*$/;

/**
 * Builds the URL of a call to a provider's API. It never leads to another place on the API's host (TE-12).
 *
 * Path and query are sent byte for byte, except that `"`, `'`, `<` and `>` in the query are percent-encoded. A path
 * that a URL parser would change is refused, not corrected.
 *
 * @param baseUrl - the API's base URL in force
 * @param target - path below the base, without the slash between, and query, as received
 * @throws {@link RequestInvalidError} when the path could lead out of the base, is not percent-encoded ASCII, or the
 *   query carries credentials
 */
export function apiUrl(baseUrl: string, target: string): string {
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  const query = target.slice(path.length);
  if (!plainPath.test(path) || hidden.test(path) || leadsAway.test(path) || !isPlainText(path)) {
    throw new RequestInvalidError(
      'The path must consist of segments of percent-encoded UTF-8. Not allowed: empty segments, "." or "..", an escaped slash, dot or hexadecimal digit, look-alikes of those, "@".',
    );
  }
  if (!plainQuery.test(query)) {
    throw new RequestInvalidError('The query must be percent-encoded ASCII without "#".');
  }
  refuseCredentials(query.slice(1), 'The query');
  const base = new URL(`${baseUrl.replace(/\/+$/, '')}/`);
  const url = new URL(`${base.href}${path}${query}`);
  // The same rules once more, by the parser that sends the request.
  if (url.origin !== base.origin || url.pathname !== base.pathname + path) {
    throw new RequestInvalidError("The path leads outside the provider's API. Use a path below its base URL.");
  }
  return url.href;
}

/**
 * Whether the escapes of a path are UTF-8, and none of them becomes a dot or a slash when a server normalizes it
 * (Unicode Standard Annex 15). Some servers read bytes that are not UTF-8 as dots and slashes in overlong forms.
 */
function isPlainText(path: string): boolean {
  if (!isUtf8Escaped(path)) {
    return false;
  }
  let text = path;
  for (let decodings = 0; decodings < maxDecodings; decodings += 1) {
    text = decode(text);
    if ([...text].some((each) => each > '\x7f' && leading.test(each.normalize('NFKC')))) {
      return false;
    }
  }
  return true;
}

function isUtf8Escaped(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** Decodes every valid escape and leaves the rest, as lenient servers do. */
function decode(text: string): string {
  return text.includes('%') ? formDecode(text.replaceAll('+', '%2B')).toString() : text;
}

/**
 * Returns path and query after the base URL in a URL of the same API, for {@link apiUrl}.
 *
 * @throws {@link RequestInvalidError} when the URL does not begin with the base URL
 */
export function targetBelow(baseUrl: string, url: string): string {
  const prefix = `${baseUrl.replace(/\/+$/, '')}/`;
  if (!url.startsWith(prefix)) {
    throw new RequestInvalidError(`url must begin with ${prefix}`);
  }
  return url.slice(prefix.length);
}
