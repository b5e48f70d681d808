import { createHash, randomBytes } from 'node:crypto';

/** How long a link may take from its start to its callback, in milliseconds. */
export const linkLifetimeMs = 10 * 60 * 1_000;

/** Returns a new state: 256 random bits in 43 base64url characters (RFC 6749 section 10.12, AR-01). */
export function createState(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns what is stored of a state: its SHA-256. */
export function hashState(state: string): Buffer {
  return createHash('sha256').update(state).digest();
}
