import { createHmac, createSecretKey, hash, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * How the key of one message is derived. A branch key belongs to one suite for its whole life:
 * - 1: HKDF-SHA-256 (RFC 5869).
 * - 2: one block of the counter mode of NIST SP 800-108r1 with HMAC-SHA-512, which costs about a third less.
 *
 * `docs/adr/0004-envelope-format.md` and `0016-envelope-suite-2.md` have the reasons.
 */
export type Suite = 1 | 2;

/** The suite of new keys. */
export const currentSuite: Suite = 2;

/** The inputs of a message key. */
export interface KeyDerivation {
  readonly branchKey: KeyObject;
  /** The 16 bytes of the branch key's id. */
  readonly kid: Buffer;
  /** 32 random bytes. */
  readonly salt: Buffer;
  /** Length-prefixed, and led by version, suite and key id. */
  readonly associatedData: Buffer;
}

/** The key of one message, and 32 bytes that commit to this key and this place. */
export interface MessageKey {
  readonly messageKey: KeyObject;
  readonly commitment: Buffer;
}

/** Returns whether a number names a suite. */
export function isSuite(value: number | undefined): value is Suite {
  return value === 1 || value === 2;
}

/** Derives the key and the commitment of one message. */
export function deriveMessageKey(suite: Suite, derivation: KeyDerivation): MessageKey {
  const derived = suite === 1 ? deriveByHkdf(derivation) : deriveByCounterMode(derivation);
  const keyBytes = derived.subarray(0, 32);
  try {
    return { messageKey: createSecretKey(keyBytes), commitment: derived.subarray(32) };
  } finally {
    // The key object has a copy outside the heap (CR-17).
    keyBytes.fill(0);
  }
}

const recordLabel = Buffer.from('vault/v1/record');
const hkdfLabel = Buffer.concat([recordLabel, Buffer.from([1])]);

function deriveByHkdf({ branchKey, kid, salt, associatedData }: KeyDerivation): Buffer {
  const info = Buffer.concat([hkdfLabel, kid, hash('sha256', associatedData, 'buffer')]);
  return Buffer.from(hkdfSync('sha256', branchKey, salt, info, 64));
}

/** `[i]`, the label with its suite, and the zero byte behind it (SP 800-108r1 section 4.1). */
const counterAndLabel = Buffer.concat([Buffer.from([0, 0, 0, 1]), recordLabel, Buffer.from([2, 0])]);
/** `[L]`: 512 bits, which is one block of HMAC-SHA-512. */
const outputBits = Buffer.from([0, 0, 2, 0]);

/**
 * The context is the salt, of fixed length, followed by the associated data. These name the key id and have their own
 * lengths, so they need no hash.
 */
function deriveByCounterMode({ branchKey, salt, associatedData }: KeyDerivation): Buffer {
  return createHmac('sha512', branchKey)
    .update(counterAndLabel)
    .update(salt)
    .update(associatedData)
    .update(outputBits)
    .digest();
}
