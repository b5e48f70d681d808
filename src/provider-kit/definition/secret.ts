import { createSecretKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { knownSecrets, placeholder } from '../../redaction/known-secrets.js';

/**
 * A secret setting. Every conversion to text gives a placeholder, so that it is never printed. Only `reveal` returns
 * the value.
 *
 * It is kept as a key object of OpenSSL, outside of the heap that a snapshot shows (CR-17). When it is sent, it is a
 * text until the garbage collector removes it.
 */
export class Secret {
  readonly #value: KeyObject;

  constructor(value: string) {
    const bytes = Buffer.from(value, 'utf8');
    this.#value = createSecretKey(bytes);
    bytes.fill(0);
    knownSecrets.addSetting(value);
  }

  /** Returns the value. Call it only where the value is sent or sealed, and keep it no longer. */
  reveal(): string {
    const bytes = this.#value.export();
    const value = bytes.toString('utf8');
    bytes.fill(0);
    return value;
  }

  toString(): string {
    return placeholder;
  }

  toJSON(): string {
    return placeholder;
  }

  [inspect.custom](): string {
    return placeholder;
  }
}
