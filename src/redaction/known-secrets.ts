import { hash } from 'node:crypto';

/** What stands in the place of a secret. */
export const placeholder = '[secret]';

/** Shorter values would be found in ordinary words. */
const minimumLength = 8;
/** Runs of the characters that tokens are made of (RFC 6750 section 2.1, `b64token`). */
const words = /[\w.~+/=-]{8,}/g;

/**
 * The secrets that this process has met: settings for good, tokens as long as there is room.
 *
 * A second wall. Nothing in the code logs a secret; should a mistake, or text from outside, bring one to a log line, its value
 * is recognised there whatever the line calls it (LOG-01).
 */
export class KnownSecrets {
  readonly #settings = new Set<string>();
  readonly #fingerprints = new Set<string>();
  /** The same in the order of their arrival, as a ring: to look for the first of a set costs more the more were deleted. */
  readonly #ring: string[] = [];
  #next = 0;

  /** @param capacity - how many tokens are remembered; the oldest are forgotten first */
  constructor(private readonly capacity: number) {}

  /** Remembers a secret setting, such as a client secret, in the forms in which it may be written. */
  addSetting(value: string): void {
    if (value.length < minimumLength) {
      return;
    }
    for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64')]) {
      this.#settings.add(form);
    }
  }

  /** Remembers a token by its digest. */
  addToken(value: string): void {
    if (value.length < minimumLength) {
      return;
    }
    const print = fingerprint(value);
    if (this.#fingerprints.has(print)) {
      return;
    }
    const oldest = this.#ring[this.#next];
    if (oldest !== undefined) {
      this.#fingerprints.delete(oldest);
    }
    this.#ring[this.#next] = print;
    this.#next = (this.#next + 1) % this.capacity;
    this.#fingerprints.add(print);
  }

  /** Returns the text with a placeholder for every secret that is known. */
  hide(text: string): string {
    let hidden = text;
    for (const value of this.#settings) {
      hidden = hidden.replaceAll(value, placeholder);
    }
    return hidden.replace(words, (word) => (this.#fingerprints.has(fingerprint(word)) ? placeholder : word));
  }
}

function fingerprint(value: string): string {
  return hash('sha256', value, 'base64').slice(0, 22);
}

/** Those of this process: log lines are written by code that nothing is injected into. */
export const knownSecrets = new KnownSecrets(50_000);
