import { createHash, randomBytes } from 'node:crypto';

/**
 * Returns a new secret that travels through a browser once: a state, a confirmation code, or the secret of a cookie or
 * a link. It has 256 random bits in 43 base64url characters (RFC 6749 section 10.12, AR-01).
 */
export function createOneTimeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Returns the stored form of such a secret: its SHA-256. The secret is random, so nobody can guess it from one round.
 */
export function hashOneTimeSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
