import { randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { AeadError, decryptAead, encryptAead, ivBytes, tagBytes } from './aead.js';
import { encodeBound, encodeLengthPrefixed, type SealContext } from './associated-data.js';
import { deriveMessageKey, isSuite, type Suite } from './message-key.js';

/**
 * AES-256-GCM under a key used for one message, derived from a branch key and a random salt, with a commitment to key
 * and context. `docs/adr/0004-envelope-format.md` has the layout and the reasons, `message-key.ts` the derivations.
 *
 *     magic(2) version(1) suite(1) kid(16) salt(32) commitment(32) iv(12) | ciphertext | tag(16)
 */
const version = 1;
const magic = Buffer.from([...Buffer.from('CL'), version]);
const offsets = { suite: 3, kid: 4, salt: 20, commitment: 52, iv: 84, ciphertext: 96 } as const;

const saltBytes = 32;

/** The largest value that is sealed, in bytes. A token set is about one kilobyte. */
export const maxPlaintextBytes = 64 * 1024;

/** A key that seals records. */
export interface BranchKey {
  /** UUID; written into every envelope, so that opening never tries a second key (CR-05). */
  readonly kid: string;
  readonly key: KeyObject;
  /** How the key of each message is derived. An envelope that names another suite does not open. */
  readonly suite: Suite;
}

/**
 * The envelope did not open. Every cause after the header has the same class and text, so that nobody can probe for it.
 */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
}

/**
 * Seals a value for one place.
 *
 * @param plaintext - at most {@link maxPlaintextBytes}
 * @param branchKey - 256-bit key and its id
 * @param environment - name of the deployment
 * @param context - the place it is sealed for
 * @throws RangeError when the plaintext is too long
 */
export function sealEnvelope(
  plaintext: Buffer,
  branchKey: BranchKey,
  environment: string,
  context: SealContext,
): Buffer {
  if (plaintext.length > maxPlaintextBytes) {
    throw new RangeError(`A sealed value holds at most ${maxPlaintextBytes} bytes, got ${plaintext.length}.`);
  }
  const kid = kidBytes(branchKey.kid);
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  const { key, suite } = branchKey;
  const associatedData = encodeAssociatedData(suite, kid, environment, context);
  const { messageKey, commitment } = deriveMessageKey(suite, { branchKey: key, kid, salt, associatedData });
  const sealed = encryptAead(messageKey, iv, associatedData, plaintext);
  return Buffer.concat([magic, Buffer.from([suite]), kid, salt, commitment, iv, sealed]);
}

/**
 * Returns the id of the key that sealed an envelope.
 *
 * @throws {@link EnvelopeError} when it is not an envelope of a known format
 */
export function readEnvelopeKid(envelope: Buffer): string {
  checkFormat(envelope);
  return formatKid(envelope.subarray(offsets.kid, offsets.salt));
}

/**
 * Opens an envelope. The plaintext leaves only after the tag over all of it was verified (CR-02).
 *
 * @param envelope - as made by {@link sealEnvelope}
 * @param branchKey - the key whose id {@link readEnvelopeKid} returned
 * @param environment - name of the deployment
 * @param context - the place it was found in
 * @throws {@link EnvelopeError} when anything differs from what was sealed: key, place, or any bit
 */
export function openEnvelope(
  envelope: Buffer,
  branchKey: BranchKey,
  environment: string,
  context: SealContext,
): Buffer {
  checkFormat(envelope);
  const { key, suite } = branchKey;
  const kid = kidBytes(branchKey.kid);
  const associatedData = encodeAssociatedData(suite, kid, environment, context);
  const salt = envelope.subarray(offsets.salt, offsets.commitment);
  const { messageKey, commitment } = deriveMessageKey(suite, { branchKey: key, kid, salt, associatedData });
  if (
    envelope[offsets.suite] !== suite ||
    !timingSafeEqual(commitment, envelope.subarray(offsets.commitment, offsets.iv))
  ) {
    throw new EnvelopeError('The envelope does not open.');
  }
  const iv = envelope.subarray(offsets.iv, offsets.ciphertext);
  try {
    return decryptAead(messageKey, iv, associatedData, envelope.subarray(offsets.ciphertext));
  } catch (error) {
    if (error instanceof AeadError) {
      throw new EnvelopeError('The envelope does not open.', { cause: error });
    }
    throw error;
  }
}

function checkFormat(envelope: Buffer): void {
  const known =
    envelope.length >= offsets.ciphertext + tagBytes &&
    envelope.subarray(0, offsets.suite).equals(magic) &&
    isSuite(envelope[offsets.suite]);
  if (!known) {
    throw new EnvelopeError('Not an envelope of a known format.');
  }
}

function encodeAssociatedData(suite: Suite, kid: Buffer, environment: string, context: SealContext): Buffer {
  return encodeLengthPrefixed([
    Buffer.from([version, suite]),
    kid,
    context.purpose,
    environment,
    context.rowId,
    context.userId,
    context.registrationId,
    String(context.generation),
    ...(context.bound === undefined ? [] : [encodeBound(context.bound)]),
  ]);
}

/** Returns the 16 bytes of a key's id. */
export function kidBytes(kid: string): Buffer {
  return Buffer.from(kid.replaceAll('-', ''), 'hex');
}

/** Returns the id of a key from its 16 bytes. */
export function formatKid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
