import { hash } from 'node:crypto';

/**
 * Names an access token without telling it: the SHA-256 of its UTF-8 bytes, 64 lower-case hex digits. Callers may compute it
 * themselves, as with `printf %s "$token" | sha256sum`.
 */
export function tokenFingerprint(accessToken: string): string {
  return hash('sha256', accessToken, 'hex');
}
