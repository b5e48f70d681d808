import { createHmac, type KeyObject } from 'node:crypto';

/** A branch key that vouches for messages: HMAC-SHA-256. The key itself stays inside. */
export class MacKey {
  readonly #key: KeyObject;

  /** @param kid - UUID of the branch key; kept beside what was signed, so that it can be checked after a rotation */
  constructor(
    readonly kid: string,
    key: KeyObject,
  ) {
    this.#key = key;
  }

  /**
   * Returns the 32 bytes that vouch for a message.
   *
   * @param message - begins with what it is for, so that a signature of one use means nothing in another
   * @see RFC 2104
   */
  sign(message: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(message).digest();
  }
}
