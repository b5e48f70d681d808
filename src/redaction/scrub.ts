import { knownSecrets, placeholder } from './known-secrets.js';

/** Names of parameters and fields whose value is a secret, in queries, forms and JSON. */
const secretNames =
  '(?:access_|refresh_|id_|link_|oauth_)?token(?:_secret)?|client_secret|client_assertion|code|code_verifier|confirmation_code|' +
  'oauth_verifier|oauth_signature|state|nonce|password|secret|api_key';

/** The shapes of secrets of any issuer. The first group is kept. */
const shapes: readonly RegExp[] = [
  new RegExp(`\\b((?:${secretNames})=)[^\\s&"',;<>]+`, 'gi'),
  new RegExp(`("(?:${secretNames})"\\s*:\\s*")[^"]*`, 'gi'),
  /\b((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}/gi,
  // Credentials in a URL.
  /(:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g,
  /()\bcuff_[0-9a-f]{18}_[\w-]{43}/g,
  // A JSON Web Token (RFC 7519).
  /()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
];

/** A long run of letters and digits that is no UUID. It looks random, so it may be a key. */
const randomRun =
  /(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)[\w-]{32,}/gi;
/** The length of 256 bits in base64url. Ids of users are usually shorter, and stay readable. */
const longRandomRun = new RegExp(randomRun.source.replace('{32,}', '{43,}'), 'gi');

/**
 * Returns a text for the log with a placeholder for everything that is, or looks like, a secret (LOG-01).
 *
 * @param text - a message, with short words and UUIDs
 */
export function scrub(text: string): string {
  return hideShapes(knownSecrets.hide(text)).replace(randomRun, placeholder);
}

/** The same for the path of a URL, whose segments may be ids of the company's own. */
export function scrubPath(path: string): string {
  return hideShapes(knownSecrets.hide(path)).replace(longRandomRun, placeholder);
}

/**
 * The same for every text inside an object, under every name. Objects of classes are left to their serializers.
 *
 * @param depth - greatest depth; deeper values are cut off
 */
export function scrubDeep(value: unknown, depth = 6): unknown {
  if (typeof value === 'string') {
    return scrub(value);
  }
  if (Array.isArray(value)) {
    return depth === 0 ? placeholder : value.map((each) => scrubDeep(each, depth - 1));
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return depth === 0
      ? placeholder
      : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, scrubDeep(each, depth - 1)]));
  }
  return value;
}

function hideShapes(text: string): string {
  return shapes.reduce((hidden, shape) => hidden.replace(shape, `$1${placeholder}`), text);
}
