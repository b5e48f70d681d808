/** The company's own notes about a connection. Cufflink stores and returns them, and does not interpret them. */
export type Metadata = Readonly<Record<string, string>>;

const maxKeys = 16;
const maxBytes = 4 * 1024;
const keyPattern = /^[A-Za-z0-9_.-]{1,64}$/;
/** A half of a surrogate pair is no character, and PostgreSQL refuses it. */
const valuePattern = /^[^\p{Cc}\p{Cs}]{0,1000}$/u;

/**
 * Says why a value is no metadata.
 *
 * @returns a sentence for the caller; `undefined` when it is metadata
 */
export function findMetadataObjection(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'metadata must be an object of texts.';
  }
  const entries = Object.entries(value);
  if (entries.length > maxKeys) {
    return `metadata has too many keys. The limit is ${maxKeys}.`;
  }
  if (!entries.every(([key]) => keyPattern.test(key) && key !== '__proto__')) {
    return 'Each key of metadata must have 1 to 64 letters, digits, "_", "." and "-".';
  }
  if (!entries.every(([, each]) => typeof each === 'string' && valuePattern.test(each))) {
    return 'Each value of metadata must be a text of at most 1,000 characters without control characters.';
  }
  return Buffer.byteLength(JSON.stringify(value)) > maxBytes
    ? `metadata is too large. The limit is ${maxBytes} bytes.`
    : undefined;
}
