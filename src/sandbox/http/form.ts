import { Refusal } from './fake-response.js';

/** Decoded name and value, in the order of arrival, repetitions kept. */
export type Pair = readonly [name: string, value: string];

/**
 * Decodes `application/x-www-form-urlencoded` text, as found in a body or a query; `+` is a space.
 *
 * @throws {@link URIError} on a stray `%` or octets that are not UTF-8
 */
export function parseForm(text: string): Pair[] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const decode = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', ' '));
      return equals === -1 ? [decode(part), ''] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
    });
}

/** Returns whether a `Content-Type` says `application/x-www-form-urlencoded`. */
export function isForm(contentType: string | undefined): boolean {
  return /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? '');
}

/**
 * Parameters of an OAuth 2.0 request: each at most once. An empty value counts as absent (RFC 6749 sections 3.1, 3.2).
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
export class Parameters {
  readonly #values = new Map<string, string>();
  readonly #repeated: string[] = [];

  /** @throws {@link Refusal} `invalid_request` when the text is not well encoded */
  constructor(text: string) {
    for (const [name, value] of parsePairs(text)) {
      if (this.#values.has(name)) {
        this.#repeated.push(name);
      }
      this.#values.set(name, value);
    }
  }

  /** Names that occur more than once. */
  get repeated(): readonly string[] {
    return this.#repeated;
  }

  /** All of them, also empty ones. */
  get all(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values);
  }

  find(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  /** @throws {@link Refusal} `invalid_request` when absent or empty */
  get(name: string): string {
    const value = this.find(name);
    if (value === undefined) {
      throw new Refusal(400, 'invalid_request', `${name} is missing`);
    }
    return value;
  }

  /** @throws {@link Refusal} `invalid_request` unless the parameter has this value */
  demand(name: string, value: string): void {
    if (this.get(name) !== value) {
      throw new Refusal(400, 'invalid_request', `${name} must be ${value}`);
    }
  }

  /** @throws {@link Refusal} `invalid_request` when a name occurs twice */
  refuseRepeated(): void {
    if (this.#repeated.length > 0) {
      throw new Refusal(400, 'invalid_request', `${this.#repeated.join(', ')} is repeated`);
    }
  }
}

function parsePairs(text: string): Pair[] {
  try {
    return parseForm(text);
  } catch {
    throw new Refusal(400, 'invalid_request', 'a parameter is not percent-encoded UTF-8');
  }
}
