/**
 * What a sealed value is bound to. All of it must be the same when the value is opened, so a sealed value moved to another
 * row, column, user, provider registration or generation does not open (CR-03).
 */
export interface SealContext {
  /** `table.column` that holds the sealed value. */
  readonly purpose: SealPurpose;
  /** Immutable id of the row. */
  readonly rowId: string;
  /** The company's id of the user. */
  readonly userId: string;
  /** The client registration at the provider. */
  readonly registrationId: string;
  /** Generation of the token set; 0 where a row holds one value for its whole life. */
  readonly generation: number;
}

/** The columns that hold sealed values. Each has branch keys of its own (CR-11). */
export type SealPurpose = 'connections.sealed' | 'links.sealed' | 'revocations.sealed';

/**
 * What keyed digests stand for: a user in the audit trail, a user who was erased, an account at a provider. Each has a key of
 * its own (CR-11), so that no digest of one can be looked up in another.
 */
export type DigestPurpose = 'audit.user' | 'erasures.user' | 'connections.account';

/** What keyed signatures vouch for: that nobody but us has written the audit trail. */
export type MacPurpose = 'audit.chain';

/** What a branch key is for. */
export type KeyPurpose = SealPurpose | DigestPurpose | MacPurpose;

/**
 * Joins fields injectively: the number of fields, then for each its length in bytes and its bytes, numbers as unsigned 32-bit
 * big-endian. Two different lists never give the same bytes, whatever the fields hold.
 */
export function encodeLengthPrefixed(fields: readonly (string | Buffer)[]): Buffer {
  const lengths = fields.map((field) => Buffer.byteLength(field));
  const bytes = Buffer.alloc(lengths.reduce((total, length) => total + 4 + length, 4));
  let at = bytes.writeUInt32BE(fields.length);
  fields.forEach((field, index) => {
    at = bytes.writeUInt32BE(lengths[index] ?? 0, at);
    at += typeof field === 'string' ? bytes.write(field, at, 'utf8') : field.copy(bytes, at);
  });
  return bytes;
}
