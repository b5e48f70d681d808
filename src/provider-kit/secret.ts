import { inspect } from 'node:util';
import { knownSecrets, placeholder } from '../redaction/known-secrets.js';

/** A secret setting. It must not be printed: every way of turning it into text gives a placeholder; `reveal` gives the value. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    knownSecrets.addSetting(value);
  }

  /** Returns the value. Call it only where the value is sent or sealed. */
  reveal(): string {
    return this.#value;
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
