import { hash } from 'node:crypto';

/**
 * Identifies an access token without revealing it: the SHA-256 of its UTF-8 bytes, as 64 lower-case hex digits. Callers
 * may compute it themselves, for example with `printf %s "$token" | sha256sum`.
 */
export function tokenFingerprint(accessToken: string): string {
  return hash('sha256', accessToken, 'hex');
}
