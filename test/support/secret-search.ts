/** Text or bytes that must not be found anywhere. */
export interface Secret {
  /** Its kind, for the report. */
  readonly kind: string;
  readonly value: string | Buffer;
}

/** A secret that was found, and as what. */
export interface Hit {
  readonly kind: string;
  readonly form: string;
  readonly value: string | Buffer;
}

interface Pattern extends Hit {
  readonly bytes: Buffer;
}

/** Shorter texts are found by chance. */
const minimumBytes = 10;

/** Every way in which a secret may be written: as it is, encoded, or reversed. */
export function encodedForms(value: string | Buffer): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(value);
  const forms = new Map<string, Buffer>([['plain', bytes]]);
  const add = (form: string, text: string): void => void forms.set(form, Buffer.from(text));
  add('hex', bytes.toString('hex'));
  add('HEX', bytes.toString('hex').toUpperCase());
  add('base64', bytes.toString('base64'));
  add('base64url', bytes.toString('base64url'));
  for (const offset of [0, 1, 2]) {
    // Inside a longer text, such as `id:secret` of Basic authentication.
    const inside = inner(bytes, offset);
    add(`base64 at ${offset}`, inside);
    add(`base64url at ${offset}`, inside.replaceAll('+', '-').replaceAll('/', '_'));
  }
  forms.set('reversed', Buffer.from(bytes).reverse());
  add('reversed hex', Buffer.from(bytes).reverse().toString('hex'));
  if (typeof value === 'string') {
    const encoded = encodeURIComponent(value);
    add('URL-encoded', encoded);
    add(
      'URL-encoded, lower case',
      encoded.replace(/%../g, (each) => each.toLowerCase()),
    );
    add('URL-encoded twice', encodeURIComponent(encoded));
    add('form-encoded', new URLSearchParams({ '': value }).toString().slice(1));
    add('in JSON', JSON.stringify(value).slice(1, -1));
    add('in HTML', value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'));
  }
  return forms;
}

/** The characters of base64 that depend on these bytes alone, when `offset` bytes stand before them. */
function inner(bytes: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  const first = [0, 2, 3][offset];
  return padded.toString('base64').slice(first, Math.floor((padded.length * 4) / 3));
}

/** Looks for many secrets in all their forms in one pass over the haystack. */
export class SecretSearch {
  readonly #byFirstBytes = new Map<number, Pattern[]>();
  readonly #maybe = new Uint8Array(0x10000);

  /** @throws Error on a secret so short that it could be found by chance */
  constructor(secrets: Iterable<Secret>) {
    for (const { kind, value } of secrets) {
      if (value.length < minimumBytes) {
        throw new Error(`The secret "${kind}" is too short to be looked for.`);
      }
      for (const [form, bytes] of encodedForms(value)) {
        const first = bytes.readUInt32BE(0);
        this.#byFirstBytes.set(first, [...(this.#byFirstBytes.get(first) ?? []), { kind, form, value, bytes }]);
        this.#maybe[bytes.readUInt16BE(0)] = 1;
      }
    }
  }

  /** Returns what is in the haystack; one hit a secret and form. */
  find(haystack: string | Buffer): Hit[] {
    const bytes = Buffer.from(haystack);
    const hits = new Set<Pattern>();
    for (let at = 0; at + 4 <= bytes.length; at += 1) {
      const two = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      if (this.#maybe[two] === 1) {
        for (const pattern of this.#byFirstBytes.get(bytes.readUInt32BE(at)) ?? []) {
          if (bytes.subarray(at, at + pattern.bytes.length).equals(pattern.bytes)) {
            hits.add(pattern);
          }
        }
      }
    }
    return [...hits].map(({ kind, form, value }) => ({ kind, form, value }));
  }
}
