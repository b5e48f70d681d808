import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

/** Everything in the row of an API key that decides about its identity and rights. */
export interface ApiKeyTerms {
  readonly id: string;
  readonly name: string;
  readonly secretHash: Buffer;
  readonly scopes: readonly string[];
  /** Slugs; `null` is all. */
  readonly providers: readonly string[] | null;
  readonly createdAt: Date;
  /** `null` when it does not expire. */
  readonly expiresAt: Date | null;
}

/** A key as stored. */
export interface StoredApiKey extends ApiKeyTerms {
  /** MAC over all of the terms; `null` in a row that was never bound. */
  readonly mac: Buffer | null;
  /** Remaining life; `null` when it does not expire. */
  readonly livesMs: number | null;
}

/** A key as the operator sees it. */
export interface ApiKeyListing extends Omit<ApiKeyTerms, 'secretHash'> {
  readonly revokedAt: Date | null;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  /** Whether it was bound to its rights. Its use checks whether the row still matches. */
  readonly bound: boolean;
}

const isValid = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';
const termColumns = `id, name, secret_hash AS "secretHash", scopes, providers, created_at AS "createdAt",
  expires_at AS "expiresAt", mac`;

const statements = {
  find: {
    name: 'api-keys-find',
    text: `SELECT ${termColumns}, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "livesMs"
           FROM api_keys WHERE id = $1 AND ${isValid}`,
  },
  listValid: {
    name: 'api-keys-list-valid',
    text: `SELECT ${termColumns}, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "livesMs"
           FROM api_keys WHERE ${isValid} ORDER BY created_at, id`,
  },
  // To the millisecond, as in a Date, because the MAC covers these instants.
  readLife: {
    name: 'api-keys-read-life',
    text: `SELECT date_trunc('milliseconds', now()) AS "createdAt",
             date_trunc('milliseconds', now() + $1 * interval '1 millisecond') AS "expiresAt"`,
  },
  readRotation: {
    name: 'api-keys-read-rotation',
    text: `SELECT date_trunc('milliseconds', now()) AS "createdAt",
             date_trunc('milliseconds', now() + ($2::timestamptz - $1::timestamptz)) AS "expiresAt",
             date_trunc('milliseconds', least($2::timestamptz, now() + $3 * interval '1 millisecond')) AS "formerExpiresAt"`,
  },
  insert: {
    name: 'api-keys-insert',
    text: `INSERT INTO api_keys (id, name, secret_hash, scopes, providers, created_at, expires_at, mac)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  },
  rotate: {
    name: 'api-keys-rotate',
    text: `WITH ended AS (
             UPDATE api_keys SET expires_at = $9, mac = $10
             WHERE id = $11 AND mac IS NOT DISTINCT FROM $12 AND ${isValid} RETURNING id
           )
           INSERT INTO api_keys (id, name, secret_hash, scopes, providers, created_at, expires_at, mac)
           SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM ended RETURNING id`,
  },
  bind: { name: 'api-keys-bind', text: 'UPDATE api_keys SET mac = $2 WHERE id = $1 AND mac IS NULL RETURNING id' },
  list: {
    name: 'api-keys-list',
    text: `SELECT id, name, scopes, providers, created_at AS "createdAt", expires_at AS "expiresAt",
             revoked_at AS "revokedAt", last_used_at AS "lastUsedAt", mac IS NOT NULL AS bound
           FROM api_keys ORDER BY created_at, id`,
  },
  countUnbound: {
    name: 'api-keys-count-unbound',
    text: `SELECT count(*)::int AS count FROM api_keys WHERE mac IS NULL AND ${isValid}`,
  },
  // The MAC is erased too, so that undoing the revocation in the row does not bring the key back.
  revoke: {
    name: 'api-keys-revoke',
    text: `UPDATE api_keys SET revoked_at = now(), secret_hash = decode(repeat('00', 32), 'hex'), mac = NULL
           WHERE id = $1 AND revoked_at IS NULL RETURNING id`,
  },
} satisfies Record<string, Statement>;

/** The api_keys table. */
@Injectable()
export class ApiKeyStore {
  constructor(private readonly database: Database) {}

  /** Returns a key that is neither revoked nor expired. */
  async find(id: string): Promise<StoredApiKey | undefined> {
    const [row] = await this.database.query<StoredApiKey>(statements.find, [id]);
    return row;
  }

  /** Returns the valid keys, the oldest first. */
  listValid(): Promise<StoredApiKey[]> {
    return this.database.query<StoredApiKey>(statements.listValid);
  }

  /** Returns all keys, also ended ones, the oldest first. */
  list(): Promise<ApiKeyListing[]> {
    return this.database.query<ApiKeyListing>(statements.list);
  }

  /** Counts the keys in use that were never bound. */
  async countUnbound(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(statements.countUnbound);
    return row?.count ?? 0;
  }

  /** Returns begin and end of a key that is made now, by the database's clock. */
  readLife(lifetimeMs: number | null): Promise<Pick<ApiKeyTerms, 'createdAt' | 'expiresAt'>> {
    return this.readOne(statements.readLife, [lifetimeMs]);
  }

  /** The same for a key that replaces another and has the same lifetime, with the end of the other one. */
  readRotation(
    { createdAt, expiresAt }: ApiKeyTerms,
    overlapMs: number,
  ): Promise<Pick<ApiKeyTerms, 'createdAt' | 'expiresAt'> & { readonly formerExpiresAt: Date }> {
    return this.readOne(statements.readRotation, [createdAt, expiresAt, overlapMs]);
  }

  async insert(terms: ApiKeyTerms, mac: Buffer): Promise<void> {
    await this.database.query(statements.insert, toValues(terms, mac));
  }

  /**
   * Stores a key that replaces another, and sets the end of the former one.
   *
   * @param former - the former key, as read
   * @param end - when it ends, and its MAC from now on
   * @returns false when the former key has changed or ended since; nothing was stored
   */
  async rotate(
    terms: ApiKeyTerms,
    mac: Buffer,
    former: StoredApiKey,
    end: { readonly expiresAt: Date; readonly mac: Buffer },
  ): Promise<boolean> {
    const values = [...toValues(terms, mac), end.expiresAt, end.mac, former.id, former.mac];
    return (await this.database.query(statements.rotate, values)).length === 1;
  }

  /** Binds a key that was never bound. Returns false when it is gone or bound. */
  async bind(id: string, mac: Buffer): Promise<boolean> {
    return (await this.database.query(statements.bind, [id, mac])).length === 1;
  }

  /** Ends a key. Returns false when there is no such key or it was ended before. */
  async revoke(id: string): Promise<boolean> {
    return (await this.database.query(statements.revoke, [id])).length === 1;
  }

  private async readOne<Row extends object>(statement: Statement, values: unknown[]): Promise<Row> {
    const [row] = await this.database.query<Row>(statement, values);
    if (row === undefined) {
      throw new Error('The database did not return its time.');
    }
    return row;
  }
}

function toValues({ id, name, secretHash, scopes, providers, createdAt, expiresAt }: ApiKeyTerms, mac: Buffer) {
  return [id, name, secretHash, scopes, providers, createdAt, expiresAt, mac];
}
