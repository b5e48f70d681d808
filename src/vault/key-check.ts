import { createHmac, type KeyObject } from 'node:crypto';
import { encodeLengthPrefixed } from './associated-data.js';

/** Returns 16 bytes that identify a key and reveal nothing else about it (HMAC-SHA-256, truncated). */
export function computeKeyCheck(kid: string, key: KeyObject): Buffer {
  return createHmac('sha256', key)
    .update(encodeLengthPrefixed(['vault/v1/key-check', kid]))
    .digest()
    .subarray(0, 16);
}
