import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

/**
 * Length of an IV, in bytes. GCM hashes an IV of any other length first. The limits of SP 800-38D assume random IVs of
 * this length.
 */
export const ivBytes = 12;
/** Length of a tag, in bytes. Without it Node would accept a tag of 4 bytes. */
export const tagBytes = 16;

/** A value did not verify: key, IV, associated data, ciphertext or tag differ from those of the encryption. */
export class AeadError extends Error {
  override readonly name = 'AeadError';
}

/**
 * Encrypts with AES-256-GCM. No other code does.
 *
 * @param key - 256 bits; an object, because Node is slow with a key of raw bytes
 * @param iv - 12 bytes, never used with this key before
 * @returns the ciphertext and behind it the tag
 * @throws RangeError when the IV has another length
 * @see NIST SP 800-38D
 */
export function encryptAead(key: KeyObject, iv: Buffer, associatedData: Buffer, plaintext: Buffer): Buffer {
  if (iv.length !== ivBytes) {
    throw new RangeError(`An IV has ${ivBytes} bytes, got ${iv.length}.`);
  }
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  cipher.setAAD(associatedData);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Decrypts with AES-256-GCM. The plaintext leaves only after the tag over all of it was verified (CR-02).
 *
 * @param sealed - the ciphertext and behind it the tag
 * @throws {@link AeadError} when anything differs from the encryption, or an IV or a tag is too short
 */
export function decryptAead(key: KeyObject, iv: Buffer, associatedData: Buffer, sealed: Buffer): Buffer {
  if (iv.length !== ivBytes || sealed.length < tagBytes) {
    throw new AeadError('The value does not verify.');
  }
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  const opened = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
  try {
    decipher.final();
    return opened;
  } catch (error) {
    opened.fill(0);
    throw new AeadError('The value does not verify.', { cause: error });
  }
}
