import { createHash, randomBytes } from 'node:crypto';

/**
 * Returns a new secret that travels through a browser once: a state, a confirmation code, what a cookie or a link
 * holds. 256 random bits in 43 base64url characters (RFC 6749 section 10.12, AR-01).
 */
export function createOneTimeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns what is stored of such a secret: its SHA-256. It is random, so one round cannot be searched. */
export function hashOneTimeSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
