import { createHmac, randomBytes } from 'node:crypto';
import { formDecode, percentEncode } from '../http/percent-encoding.js';

/** The parts of the signature base string (RFC 5849 section 3.4.1). */
export interface OAuth1BaseStringParts {
  /** HTTP method in any case. */
  readonly method: string;
  /** Absolute URL with its query, exactly as it is sent. A fragment is ignored. */
  readonly url: string;
  /** The body, only if its content type is `application/x-www-form-urlencoded`. */
  readonly formBody?: string;
  /** The `oauth_*` parameters of the header, decoded. `realm` and `oauth_signature` are left out of the base string. */
  readonly oauthParams: Readonly<Record<string, string>>;
}

/** One request to sign. */
export interface OAuth1SigningRequest extends Omit<OAuth1BaseStringParts, 'oauthParams'> {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Temporary or token credential; absent when temporary credentials are requested. */
  readonly token?: string;
  /** The secret that came with `token`. */
  readonly tokenSecret?: string;
  readonly signatureMethod: 'HMAC-SHA1' | 'HMAC-SHA256';
  /** Further protocol parameters, such as `oauth_callback`, `oauth_verifier`, `oauth_version`. */
  readonly extraOAuthParams?: Readonly<Record<string, string>>;
  /** Whole seconds since 1970. */
  readonly timestampSeconds: number;
  /** Fresh for every request, also for a repeated one; see {@link oauth1Nonce}. */
  readonly nonce: string;
  /** Sent, not signed. */
  readonly realm?: string;
}

/**
 * Returns a nonce: 128 random bits as hexadecimal digits.
 *
 * @see RFC 5849 section 3.3, https://www.rfc-editor.org/rfc/rfc5849#section-3.3
 */
export function oauth1Nonce(): string {
  return randomBytes(16).toString('hex');
}

/**
 * Builds the text that is signed: method, base string URI and normalized parameters.
 *
 * Names and values of query and body are decoded from the raw text and encoded again. `URLSearchParams` would lose the
 * difference between bytes that are no UTF-8. Pairs are sorted by encoded name, then by encoded value; duplicates stay.
 *
 * @param parts - method, URL, form body and `oauth_*` parameters
 * @throws Error when the URL is malformed; the message does not hold it
 * @see RFC 5849 section 3.4.1, https://www.rfc-editor.org/rfc/rfc5849#section-3.4.1
 */
export function signatureBaseString(parts: OAuth1BaseStringParts): string {
  if (!URL.canParse(parts.url)) {
    throw new Error('The URL of a request to sign is malformed.');
  }
  // URL lower-cases scheme and host, drops the default port and keeps every percent-escape of path and query. The
  // request is sent in the same form.
  const url = new URL(parts.url);
  const headerPairs = Object.entries(parts.oauthParams)
    .filter(([name]) => name !== 'realm')
    .map(([name, value]): Pair => [percentEncode(name), percentEncode(value)]);
  const normalized = [...formPairs(url.search.slice(1)), ...formPairs(parts.formBody ?? ''), ...headerPairs]
    .filter(([name]) => name !== 'oauth_signature')
    .sort(comparePairs)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return [parts.method.toUpperCase(), url.origin + url.pathname, normalized].map(percentEncode).join('&');
}

/**
 * Signs a request and returns its protocol parameters, the signature among them.
 *
 * Pure: the caller supplies time and nonce. The request must then be sent with exactly this method, URL and form body.
 * The parameters go to one of the three places of section 3.5. The base string collects from all three (section
 * 3.4.1.3.1), so the signature is the same in each.
 *
 * @param request - the request without the protocol parameters, and the credentials
 * @returns names and values, decoded
 * @throws RangeError when `timestampSeconds` is not a positive integer
 * @throws Error when the URL is malformed
 * @see RFC 5849 section 3.1, https://www.rfc-editor.org/rfc/rfc5849#section-3.1
 * @see RFC 5849 section 3.4.2 (HMAC), https://www.rfc-editor.org/rfc/rfc5849#section-3.4.2
 */
export function signedOAuth1Parameters(request: OAuth1SigningRequest): Readonly<Record<string, string>> {
  if (!Number.isSafeInteger(request.timestampSeconds) || request.timestampSeconds <= 0) {
    throw new RangeError(`timestampSeconds must be a positive integer, got ${request.timestampSeconds}`);
  }
  const oauthParams: Record<string, string> = {
    oauth_consumer_key: request.clientId,
    ...(request.token === undefined ? {} : { oauth_token: request.token }),
    oauth_signature_method: request.signatureMethod,
    oauth_timestamp: String(request.timestampSeconds),
    oauth_nonce: request.nonce,
    ...request.extraOAuthParams,
  };
  const key = `${percentEncode(request.clientSecret)}&${percentEncode(request.tokenSecret ?? '')}`;
  const signature = createHmac(request.signatureMethod === 'HMAC-SHA256' ? 'sha256' : 'sha1', key)
    .update(signatureBaseString({ ...request, oauthParams }))
    .digest('base64');
  return { ...oauthParams, oauth_signature: signature };
}

/**
 * Signs a request and returns the value of its `Authorization` header.
 *
 * @param request - as for {@link signedOAuth1Parameters}
 * @returns `OAuth` and the protocol parameters, encoded and quoted
 * @throws as {@link signedOAuth1Parameters}
 * @see RFC 5849 section 3.5.1, https://www.rfc-editor.org/rfc/rfc5849#section-3.5.1
 */
export function signOAuth1Request(request: OAuth1SigningRequest): string {
  const realm = request.realm === undefined ? {} : { realm: request.realm };
  const header = Object.entries({ ...realm, ...signedOAuth1Parameters(request) })
    .map(([name, value]) => `${percentEncode(name)}="${percentEncode(value)}"`)
    .join(', ');
  return `OAuth ${header}`;
}

/** An encoded name and an encoded value. */
type Pair = readonly [name: string, value: string];

function formPairs(form: string): Pair[] {
  return form
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const separator = pair.indexOf('=');
      const name = separator === -1 ? pair : pair.slice(0, separator);
      const value = separator === -1 ? '' : pair.slice(separator + 1);
      return [percentEncode(formDecode(name)), percentEncode(formDecode(value))];
    });
}

/** Encoded text is ASCII, so comparing code units compares bytes. */
function comparePairs([nameA, valueA]: Pair, [nameB, valueB]: Pair): number {
  return compareText(nameA, nameB) || compareText(valueA, valueB);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
