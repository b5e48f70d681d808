import { createHmac, createSecretKey, hash, randomBytes, type KeyObject } from 'node:crypto';

/** The text in the place of a secret. */
export const placeholder = '[secret]';

/** Least length of a secret: shorter values would match ordinary words. */
const minimumLength = 8;
const base = 31;
/** Its power of {@link minimumLength}, in 32 bits. */
const baseOfLeft = Array.from({ length: minimumLength }).reduce<number>((power) => Math.imul(power, base), 1);
/** Runs of the characters that tokens are made of (RFC 6750 section 2.1, `b64token`). */
const words = /[\w.~+/=-]{8,}/g;

/** A setting in one of the forms in which it may be written. */
interface KnownSetting {
  readonly length: number;
  /** Keyed, so that a weak password cannot be searched for by its digest. */
  readonly digest: string;
}

/**
 * The secrets that this process has met. Settings stay for good, tokens as long as there is room. It keeps digests and
 * never the text, so that it adds no copy of a key to the memory (CR-17).
 *
 * A second line of defense: no code logs a secret. If a mistake, or text from outside, brings one to a log line, its
 * value is recognized there under every name (LOG-01).
 */
export class KnownSecrets {
  /** Key objects are outside of the heap. */
  readonly #key: KeyObject = createSecretKey(randomBytes(32));
  /** By 16 bits about their beginning, which find places in a text and reveal little about the secret. */
  readonly #settings = new Map<number, KnownSetting[]>();
  readonly #fingerprints = new Set<string>();
  /**
   * The same in the order of their arrival, as a ring. In a set, the first element is slow to find after many
   * deletions.
   */
  readonly #ring: string[] = [];
  #next = 0;

  /** @param capacity - most remembered tokens; the oldest are forgotten first */
  constructor(private readonly capacity: number) {}

  /** Remembers a secret setting, such as a client secret, in the forms in which it may be written, by its digest. */
  addSetting(value: string): void {
    if (value.length < minimumLength) {
      return;
    }
    for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString('base64')])) {
      const { length } = form;
      const digest = this.#digest(form);
      const beginning = beginningOf(form);
      const known = this.#settings.get(beginning) ?? [];
      if (known.every((each) => each.digest !== digest)) {
        // The longest first: one may begin with another.
        const sorted = [...known, { length, digest }].sort((left, right) => right.length - left.length);
        this.#settings.set(beginning, sorted);
      }
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

  /** Returns the text with a placeholder for every known secret. */
  hide(text: string): string {
    return this.#hideSettings(text).replace(words, (word) =>
      this.#fingerprints.has(fingerprint(word)) ? placeholder : word,
    );
  }

  #hideSettings(text: string): string {
    let hidden = '';
    let shownUpTo = 0;
    let window = 0;
    for (let end = 0; end < text.length; end += 1) {
      window = slide(window, text, end);
      const start = end + 1 - minimumLength;
      const known = start < shownUpTo ? undefined : this.#settings.get(fold(window));
      const length = known && this.#lengthAt(text, start, known);
      if (length !== undefined) {
        hidden += text.slice(shownUpTo, start) + placeholder;
        shownUpTo = start + length;
      }
    }
    return hidden + text.slice(shownUpTo);
  }

  /** Returns the length of the setting at a place of a text; `undefined` if there is none. */
  #lengthAt(text: string, start: number, known: readonly KnownSetting[]): number | undefined {
    return known.find(
      ({ length, digest }) =>
        start + length <= text.length && this.#digest(text.slice(start, start + length)) === digest,
    )?.length;
  }

  #digest(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64');
  }
}

/** Returns 16 bits about the beginning of a text, as much of it as the shortest secret has. */
function beginningOf(text: string): number {
  let window = 0;
  for (let end = 0; end < minimumLength; end += 1) {
    window = slide(window, text, end);
  }
  return fold(window);
}

/**
 * Moves a window of {@link minimumLength} characters by one. It is a rolling hash (Karp and Rabin), because every
 * character of the log passes it.
 */
function slide(window: number, text: string, end: number): number {
  const left = end < minimumLength ? 0 : text.charCodeAt(end - minimumLength);
  return (Math.imul(window, base) + text.charCodeAt(end) - Math.imul(left, baseOfLeft)) | 0;
}

function fold(window: number): number {
  return (window ^ (window >>> 16)) & 0xffff;
}

function fingerprint(value: string): string {
  return hash('sha256', value, 'base64').slice(0, 22);
}

/** The secrets of this process. A constant, because nothing can be injected into the code that writes log lines. */
export const knownSecrets = new KnownSecrets(50_000);
