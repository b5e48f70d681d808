/**
 * The place to which a sealed value is bound. All of it must be the same when the value is opened. So a sealed value
 * that was moved to another row, column, user, provider registration or generation does not open (CR-03).
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
  /**
   * Further columns of the row that decide over the use of the value, in a fixed order. Nobody can alter them without
   * the key. Absent if there are none.
   */
  readonly bound?: readonly BoundValue[] | undefined;
}

/** A value of a column, as the database driver gives it. */
export type BoundValue = string | number | boolean | null | Date | Buffer | readonly string[];

/** The columns that hold sealed values. Each has branch keys of its own (CR-11). */
export type SealPurpose =
  | 'connections.sealed'
  | 'links.sealed'
  | 'revocations.sealed'
  | 'grant_migrations.sealed'
  | 'events.sealed'
  | 'webhook_endpoints.sealed'
  | 'idempotency_keys.sealed'
  | 'subscriptions.sealed';

/**
 * The subjects of keyed digests: a user in the audit trail, an erased user, an account at a provider, imported tokens,
 * the address of a caller. Each has a key of its own (CR-11), so that digests of two subjects cannot be compared.
 */
export type DigestPurpose =
  'audit.user' | 'erasures.user' | 'connections.account' | 'connections.import' | 'access.address';

/**
 * The subjects of keyed signatures: the entries of the audit trail, the rights of an API key, the terms of a link
 * session.
 */
export type MacPurpose = 'audit.chain' | 'api_keys.mac' | 'link_sessions.mac';

/** The purpose of a branch key. */
export type KeyPurpose = SealPurpose | DigestPurpose | MacPurpose;

/**
 * Joins fields injectively: the number of fields, then for each its length in bytes and its bytes, numbers as unsigned
 * 32-bit big-endian. Two different lists never give the same bytes.
 */
export function encodeLengthPrefixed(fields: readonly (string | Buffer)[]): Buffer {
  // UTF-8 takes at most three bytes for each unit of a string.
  const capacity = fields.reduce((total, field) => total + 4 + field.length * (typeof field === 'string' ? 3 : 1), 4);
  const bytes = Buffer.allocUnsafe(capacity);
  let at = bytes.writeUInt32BE(fields.length);
  for (const field of fields) {
    const length = typeof field === 'string' ? bytes.write(field, at + 4) : field.copy(bytes, at + 4);
    at = bytes.writeUInt32BE(length, at) + length;
  }
  return bytes.subarray(0, at);
}

/** Encodes values of columns injectively. Each begins with its type, so that none passes for one of another type. */
export function encodeBound(values: readonly BoundValue[]): Buffer {
  return encodeLengthPrefixed(values.map(encodeValue));
}

function encodeValue(value: BoundValue): string | Buffer {
  if (value === null) {
    return '';
  }
  if (Buffer.isBuffer(value)) {
    return Buffer.concat([Buffer.from('x'), value]);
  }
  if (value instanceof Date) {
    return `t${value.getTime()}`;
  }
  if (typeof value === 'object') {
    return Buffer.concat([Buffer.from('l'), encodeLengthPrefixed(value)]);
  }
  return `${(typeof value).charAt(0)}${value}`;
}
