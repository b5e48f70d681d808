import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * An API key in its two halves. The text form is `cuff_<id>_<secret>`; the id is public, the secret has 256 random
 * bits.
 */
export interface ApiKeyParts {
  readonly id: string;
  readonly secret: string;
}

/** Returns a new key. */
export function createApiKey(): ApiKeyParts {
  return { id: randomBytes(9).toString('hex'), secret: randomBytes(32).toString('base64url') };
}

/** Writes a key in its text form. */
export function formatApiKey({ id, secret }: ApiKeyParts): string {
  return `cuff_${id}_${secret}`;
}

/** Reads the text form; `undefined` when it is not one. */
export function parseApiKey(text: string): ApiKeyParts | undefined {
  const match = /^cuff_([0-9a-f]{18})_([A-Za-z0-9_-]{43})$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { id: match[1], secret: match[2] };
}

/** Returns the stored form of a secret. The secret is random, so nobody can guess it from one round of SHA-256. */
export function hashApiKeySecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Compares a secret with a stored hash in constant time. */
export function isApiKeySecret(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashApiKeySecret(secret), hash);
}
