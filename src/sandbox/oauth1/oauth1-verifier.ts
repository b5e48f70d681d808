import { createHmac, timingSafeEqual } from 'node:crypto';
import { BoundedMap } from '../grants/bounded-map.js';
import { isForm, parseForm, type Pair } from '../http/form.js';

/** A request as it arrived. */
export interface SignedRequest {
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** The `Host` header. */
  readonly host: string;
  /** Path and query as in the request line, still encoded. */
  readonly target: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** A refusal in the words of the OAuth problem reporting extension, such as `signature_invalid`. */
export class OAuth1Problem extends Error {
  constructor(readonly problem: string) {
    super(problem);
    this.name = 'OAuth1Problem';
  }
}

/** Looks secrets up; `undefined` if the name is unknown. */
export interface OAuth1Secrets {
  readonly findClientSecret: (consumerKey: string) => string | undefined;
  /** Called only when the request names a token. */
  readonly findTokenSecret: (token: string) => string | undefined;
}

/** Where protocol parameters may be (RFC 5849 section 3.5). */
export type ParameterPlace = 'header' | 'form' | 'query';

const windowSeconds = 300;

/**
 * Percent-encodes everything but ALPHA, DIGIT, `-`, `.`, `_`, `~` (RFC 5849 section 3.6).
 *
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3.6
 */
function encode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/**
 * Reads the parameters of an `Authorization: OAuth` header, decoded and without `realm`.
 *
 * @throws {@link OAuth1Problem} `parameter_absent` without such a header, `parameter_rejected` when it is malformed
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3.5.1
 */
export function parseAuthorization(header: string | undefined): Pair[] {
  const rest = /^OAuth[ \t]+(.*)$/i.exec(header ?? '')?.[1];
  if (rest === undefined) {
    throw new OAuth1Problem('parameter_absent');
  }
  const pairs: Pair[] = [];
  for (const part of rest.split(/,[ \t]*(?=[A-Za-z0-9._~%-]+=")/)) {
    const [, name, value] = /^([A-Za-z0-9._~%-]+)="([^"]*)"[ \t]*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) {
      throw new OAuth1Problem('parameter_rejected');
    }
    if (name.toLowerCase() !== 'realm') {
      if (!/^(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*$/.test(value)) {
        throw new OAuth1Problem('parameter_rejected');
      }
      pairs.push([decoded(name), decoded(value)]);
    }
  }
  return pairs;
}

/**
 * Recomputes the signature base string of a request.
 *
 * @throws {@link OAuth1Problem} when header, query or body cannot be decoded
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3.4.1
 */
export function signatureBaseString(request: SignedRequest): string {
  const question = request.target.indexOf('?');
  const path = question === -1 ? request.target : request.target.slice(0, question);
  const host = request.host.toLowerCase().replace(request.scheme === 'https' ? /:443$/ : /:80$/, '');
  const parameters = [
    ...(question === -1 ? [] : decodedForm(request.target.slice(question + 1))),
    ...(request.authorization === undefined ? [] : parseAuthorization(request.authorization)),
    ...(isForm(request.contentType) ? decodedForm(request.body) : []),
  ];
  const normalized = parameters
    .filter(([name]) => name !== 'oauth_signature')
    .map(([name, value]): Pair => [encode(name), encode(value)])
    .sort(([leftName, leftValue], [rightName, rightValue]) =>
      leftName === rightName ? byOctets(leftValue, rightValue) : byOctets(leftName, rightName),
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const uri = `${request.scheme.toLowerCase()}://${host}${path === '' ? '/' : path}`;
  return [request.method.toUpperCase(), uri, normalized].map(encode).join('&');
}

/**
 * Verifies signed requests for one provider from the raw request, independently of the signer under test.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5849#section-3.2
 */
export class OAuth1Verifier {
  readonly #nonces = new BoundedMap<true>();

  /**
   * @param method - the only signature method that is accepted
   * @param now - milliseconds since 1970
   */
  constructor(
    private readonly method: 'HMAC-SHA1' | 'HMAC-SHA256',
    private readonly now: () => number,
  ) {}

  /**
   * Checks parameters, client, token, timestamp, signature and nonce, in this order. A nonce counts as used only with a
   * right signature.
   *
   * @param place - the provider's one place of the protocol parameters
   * @returns the `oauth_*` parameters
   * @throws {@link OAuth1Problem} naming the first fault
   */
  verify(
    request: SignedRequest,
    secrets: OAuth1Secrets,
    place: ParameterPlace = 'header',
  ): ReadonlyMap<string, string> {
    const parameters = protocolParameters(request, place);
    const consumerKey = required(parameters, 'oauth_consumer_key');
    const signature = required(parameters, 'oauth_signature');
    const nonce = required(parameters, 'oauth_nonce');
    const timestamp = required(parameters, 'oauth_timestamp');
    if (required(parameters, 'oauth_signature_method') !== this.method) {
      throw new OAuth1Problem('signature_method_rejected');
    }
    if ((parameters.get('oauth_version') ?? '1.0') !== '1.0') {
      throw new OAuth1Problem('version_rejected');
    }
    const clientSecret = secrets.findClientSecret(consumerKey);
    if (clientSecret === undefined) {
      throw new OAuth1Problem('consumer_key_unknown');
    }
    const token = parameters.get('oauth_token') ?? '';
    const tokenSecret = token === '' ? '' : secrets.findTokenSecret(token);
    if (tokenSecret === undefined) {
      throw new OAuth1Problem('token_rejected');
    }
    this.#checkTimestamp(timestamp);
    const expected = this.#sign(signatureBaseString(request), clientSecret, tokenSecret);
    const presented = Buffer.from(signature);
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) {
      throw new OAuth1Problem('signature_invalid');
    }
    const use = JSON.stringify([consumerKey, token, timestamp, nonce]);
    if (this.#nonces.get(use) !== undefined) {
      throw new OAuth1Problem('nonce_used');
    }
    this.#nonces.set(use, true);
    return parameters;
  }

  #checkTimestamp(timestamp: string): void {
    const difference = Math.abs(Number(timestamp) - this.now() / 1000);
    if (!/^[1-9]\d{0,14}$/.test(timestamp) || difference > windowSeconds) {
      throw new OAuth1Problem('timestamp_refused');
    }
  }

  #sign(baseString: string, clientSecret: string, tokenSecret: string): Buffer {
    const algorithm = this.method === 'HMAC-SHA1' ? 'sha1' : 'sha256';
    const key = `${encode(clientSecret)}&${encode(tokenSecret)}`;
    return Buffer.from(createHmac(algorithm, key).update(baseString).digest('base64'));
  }
}

/** Returns the protocol parameters. They must be in one place, each once: a second place would be ambiguous. */
function protocolParameters(request: SignedRequest, place: ParameterPlace): ReadonlyMap<string, string> {
  const question = request.target.indexOf('?');
  const found: Readonly<Record<ParameterPlace, readonly Pair[]>> = {
    header: request.authorization === undefined ? [] : parseAuthorization(request.authorization),
    form: isForm(request.contentType) ? decodedForm(request.body) : [],
    query: question === -1 ? [] : decodedForm(request.target.slice(question + 1)),
  };
  const elsewhere = (['header', 'form', 'query'] as const)
    .filter((each) => each !== place)
    .flatMap((each) => found[each]);
  const protocol = found[place].filter(([name]) => place === 'header' || name.startsWith('oauth_'));
  if (protocol.length === 0) {
    throw new OAuth1Problem('parameter_absent');
  }
  const isRepeated = new Set(protocol.map(([name]) => name)).size < protocol.length;
  if (isRepeated || elsewhere.some(([name]) => name.startsWith('oauth_'))) {
    throw new OAuth1Problem('parameter_rejected');
  }
  return new Map(protocol);
}

function required(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name);
  if (value === undefined || value === '') {
    throw new OAuth1Problem('parameter_absent');
  }
  return value;
}

function decodedForm(text: string): Pair[] {
  try {
    return parseForm(text);
  } catch {
    throw new OAuth1Problem('parameter_rejected');
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new OAuth1Problem('parameter_rejected');
  }
}

/** Encoded text is ASCII, so the order of UTF-16 units is that of octets. */
function byOctets(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
