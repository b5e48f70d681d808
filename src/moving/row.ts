import { z } from 'zod';
import { ConnectionPath } from '../http/user-path.dto.js';
import { findMetadataObjection, type Metadata } from '../tokens/store/metadata.js';
import type { ImportedGrant } from '../tokens/import/imported-grant.js';

/** The documented columns, in the order of docs/moving.md. */
export const plainColumns = [
  'user_id',
  'provider',
  'access_token',
  'refresh_token',
  'token_secret',
  'expires_at',
  'refresh_expires_at',
  'issued_at',
  'scopes',
  'provider_user_id',
  'client_id',
  'metadata',
] as const;

/** A row that can be imported, or its fault. */
export type ReadRow = { readonly grant: ImportedGrant } | { readonly objection: string };

/** A value that a provider could have issued: visible ASCII, as in an HTTP header. */
const token = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
  .max(16_384);
const text = z.string().regex(/^\P{C}{1,1000}$/u);
const instant = z.union([z.number(), z.string()]).transform(toDate).pipe(z.date());
const scopes = z.union([
  z.array(text).max(200),
  z
    .string()
    .max(10_000)
    .transform((list) => list.split(/[\s,]+/).filter((scope) => scope !== ''))
    .pipe(z.array(text).max(200)),
]);
const metadata = z.custom<Metadata>((value) => findMetadataObjection(value) === undefined);

const plainFields = {
  user_id: z.string(),
  provider: z.string(),
  access_token: token.optional(),
  refresh_token: token.optional(),
  token_secret: token.optional(),
  expires_at: instant.optional(),
  refresh_expires_at: instant.optional(),
  issued_at: instant.optional(),
  scopes: scopes.optional(),
  provider_user_id: text.optional(),
  client_id: text.optional(),
  metadata: metadata.optional(),
} satisfies Record<(typeof plainColumns)[number], z.ZodType>;

/** Fields that only an export of Cufflink has. */
const sealedFields = {
  ...plainFields,
  spare_refresh_token: token.optional(),
  scopes_requested: z.array(text).optional(),
  former_user_id: text.optional(),
  must_name_user: z.boolean().optional(),
  registration_id: text.optional(),
};

const plainRow = z.strictObject(plainFields);
const sealedRow = z.strictObject(sealedFields);

/**
 * Reads a row with the documented columns. `null` and an empty text mean that the row does not have the value.
 *
 * @param record - from outside
 */
export function readPlainRow(record: unknown): ReadRow {
  return read(plainRow, record);
}

/** Reads a row of a sealed export. */
export function readSealedRow(record: unknown): ReadRow {
  return read(sealedRow, record);
}

type Fields = z.output<typeof plainRow> & Partial<z.output<typeof sealedRow>>;

function read(schema: z.ZodType<Fields>, record: unknown): ReadRow {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return { objection: 'it is no object' };
  }
  const present = Object.entries(record).filter(([, value]) => value !== null && value !== '');
  const result = schema.safeParse(Object.fromEntries(present));
  if (!result.success) {
    return { objection: describe(result.error) };
  }
  const row = result.data;
  if (!ConnectionPath.accepts({ user_id: row.user_id, provider: row.provider })) {
    return { objection: 'user_id or provider is malformed' };
  }
  return {
    grant: {
      userId: row.user_id,
      provider: row.provider,
      accessToken: row.access_token,
      refreshToken: row.refresh_token,
      tokenSecret: row.token_secret,
      spareRefreshToken: row.spare_refresh_token,
      expiresAt: row.expires_at,
      refreshExpiresAt: row.refresh_expires_at,
      issuedAt: row.issued_at,
      scopes: row.scopes,
      scopesRequested: row.scopes_requested,
      providerUserId: row.provider_user_id,
      formerUserId: row.former_user_id,
      mustNameUser: row.must_name_user,
      clientId: row.client_id,
      registrationId: row.registration_id,
      metadata: row.metadata,
    },
  };
}

/** Describes faults by field names only, because a message of the parser could quote a token. */
function describe({ issues }: z.ZodError): string {
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const wrong = issues.flatMap(({ path }) => (path.length === 0 ? [] : [String(path[0])]));
  return [
    ...(wrong.length > 0 ? [`wrong or missing: ${[...new Set(wrong)].join(', ')}`] : []),
    ...(unknown.length > 0 ? [`${unknown.length} unknown columns`] : []),
  ].join('; ');
}

/** RFC 3339 with its offset, or seconds or milliseconds since 1970. */
function toDate(value: string | number): Date {
  const number = typeof value === 'number' || /^\d{9,13}(\.\d+)?$/.test(value) ? Number(value) : undefined;
  if (number !== undefined) {
    return new Date(number > 100_000_000_000 ? number : number * 1_000);
  }
  const isExact = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/i.test(String(value));
  return new Date(isExact ? String(value).replace(' ', 'T') : NaN);
}
