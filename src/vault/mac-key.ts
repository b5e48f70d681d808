import { createHmac, type KeyObject } from 'node:crypto';

/** A branch key that authenticates messages by HMAC-SHA-256. The key itself stays inside. */
export class MacKey {
  readonly #key: KeyObject;

  /** @param kid - UUID of the branch key; stored with each MAC, so that it can be checked after a rotation */
  constructor(
    readonly kid: string,
    key: KeyObject,
  ) {
    this.#key = key;
  }

  /**
   * Returns the MAC of a message, 32 bytes.
   *
   * @param message - begins with its purpose, so that the MAC of one use is not valid in another
   * @see RFC 2104
   */
  sign(message: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(message).digest();
  }
}
