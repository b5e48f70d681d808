import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Returns a new 256-bit token.
 *
 * Its alphabet is that of a bearer token (RFC 6750 section 2.1). It always holds `+`, `/` and `=`. So a caller who
 * forgets to encode it in a form or a query is refused.
 */
export function randomToken(prefix: string): string {
  return `${prefix}+/${randomBytes(32).toString('base64')}`;
}

/** Returns a fingerprint of a token. It recognizes the token in a history, and cannot be used. */
export function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12);
}

/** Compares two secrets in constant time. */
export function equalSecrets(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
