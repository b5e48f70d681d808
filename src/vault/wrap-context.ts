import { encodeLengthPrefixed } from './associated-data.js';
import type { WrapContext } from './key-source.js';

/** The bytes that a wrapped key is bound to, as associated data. */
export function encodeWrapContext(context: WrapContext): Buffer {
  return encodeLengthPrefixed(['vault/v1/wrap', context.kid, context.purpose, context.environment]);
}
