import { Injectable } from '@nestjs/common';
import { Database, type Query, type Statement } from '../../database/database.js';
import { typesOf, withEvents } from '../../events/event-statement.js';
import type { EventSource } from '../../events/event-type.js';
import { DatabaseUnavailableError } from '../../errors/request.errors.js';
import { activate, isAccountTaken } from '../store/account-holder.js';
import type { Connection, SealedTokenSet, StoredAccount } from '../store/connection.js';
import type { Metadata } from '../store/metadata.js';

/** The identity of a row and its tokens. */
export interface ImportKey {
  readonly userId: string;
  readonly provider: string;
  readonly importDigest: Buffer;
  readonly accountDigest: Buffer | null;
  readonly erasureDigest: Buffer;
}

/** The database's facts about a row. */
export interface KnownRow {
  /** The user's connection to the provider; `null` when there is none. */
  readonly connectionId: string | null;
  readonly status: Connection['status'] | null;
  /** Whether the connection was made by the same tokens. */
  readonly isSame: boolean;
  readonly isErased: boolean;
  /** Whether another user's active connection has the account. */
  readonly isTaken: boolean;
}

/** A connection that is about to be stored. */
export interface NewConnection extends Pick<
  Connection,
  'userId' | 'provider' | 'id' | 'registrationId' | 'scopesRequested'
> {
  readonly tokens: SealedTokenSet;
  readonly account: StoredAccount;
  readonly importDigest: Buffer;
  readonly erasureDigest: Buffer;
  readonly metadata: Metadata;
}

const find: Statement = {
  name: 'imports-find',
  text: `WITH asked AS (
           SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[]) WITH ORDINALITY
             AS asked (user_id, provider, import_digest, account_digest, erasure_digest, place)
         ), own AS MATERIALIZED (
           SELECT place, id, status, connections.import_digest FROM asked JOIN connections USING (user_id, provider)
         ), taken AS MATERIALIZED (
           SELECT DISTINCT place FROM asked JOIN connections AS other USING (account_digest)
           WHERE other.status = 'active' AND other.user_id <> asked.user_id
         )
         SELECT own.id AS "connectionId", own.status, coalesce(own.import_digest = asked.import_digest, false) AS "isSame",
           erasures.user_digest IS NOT NULL AS "isErased", taken.place IS NOT NULL AS "isTaken"
         FROM asked LEFT JOIN own USING (place) LEFT JOIN taken USING (place)
         LEFT JOIN erasures ON erasures.user_digest = asked.erasure_digest ORDER BY place`,
};

const fromJson = (column: string): string =>
  `CASE WHEN ${column} IS NULL THEN NULL ELSE ARRAY(SELECT json_array_elements_text(${column}::json)) END`;

/** SQL: a conflict concerns one row. The others are stored, and the caller looks at that row again. */
const insertAll: Statement = {
  name: 'imports-insert',
  text: withEvents(
    `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen,
       sealed, scopes_granted, scopes_unknown, expires_at, refreshable, refresh_expires_at, refresh_due_at, account_digest,
       account_exclusive, account_due_at, import_digest, metadata, last_events, event_sequence)
     SELECT user_id, provider, id, registration_id, ${fromJson('requested')}, 'active', 1,
       sealed, ${fromJson('granted')}, scopes_unknown, expires_at, refreshable, refresh_expires_at,
       now() + due_in_ms * interval '1 millisecond', account_digest, account_exclusive,
       CASE WHEN account_pending THEN now() END, import_digest, metadata::jsonb, ${typesOf('connection.linked')}, 1
     FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bool[],
         $9::timestamptz[], $10::bool[], $11::timestamptz[], $12::float8[], $13::bytea[], $14::bool[], $15::bool[],
         $16::bytea[], $17::text[], $18::bytea[])
       AS row (user_id, provider, id, registration_id, requested, sealed, granted, scopes_unknown, expires_at, refreshable,
         refresh_expires_at, due_in_ms, account_digest, account_exclusive, account_pending, import_digest, metadata,
         erasure_digest)
     WHERE NOT EXISTS (SELECT FROM erasures WHERE user_digest = row.erasure_digest)
     ON CONFLICT DO NOTHING`,
    { origin: { sourceSql: '$19', proofSql: `'confirmed'` } },
    'id',
  ),
};

/** Reads and writes many connections with one statement. */
@Injectable()
export class ImportStore {
  constructor(private readonly database: Database) {}

  /** Returns what is known about each row, in their order. */
  find(keys: readonly ImportKey[]): Promise<KnownRow[]> {
    return this.database.query<KnownRow>(find, [
      keys.map(({ userId }) => userId),
      keys.map(({ provider }) => provider),
      keys.map(({ importDigest }) => importDigest),
      keys.map(({ accountDigest }) => accountDigest),
      keys.map(({ erasureDigest }) => erasureDigest),
    ]);
  }

  /**
   * Stores new connections. A row that meets another connection of its user or account is left out.
   *
   * @param source - who imports them, for the events
   * @returns the ids of those that were stored, and the errors of those that PostgreSQL refused
   * @throws {@link DatabaseUnavailableError}
   */
  async insert(
    rows: readonly NewConnection[],
    source: EventSource,
  ): Promise<{ readonly stored: ReadonlySet<string>; readonly failures: ReadonlyMap<string, unknown> }> {
    try {
      return { stored: await this.insertAll(rows, source), failures: new Map() };
    } catch (error) {
      const [only] = rows;
      if (only === undefined || error instanceof DatabaseUnavailableError) {
        throw error;
      }
      if (rows.length === 1) {
        return { stored: new Set(), failures: new Map([[only.id, error]]) };
      }
      // A value that PostgreSQL refuses must not prevent the other rows.
      const half = Math.ceil(rows.length / 2);
      const parts = [await this.insert(rows.slice(0, half), source), await this.insert(rows.slice(half), source)];
      return {
        stored: new Set(parts.flatMap(({ stored }) => [...stored])),
        failures: new Map(parts.flatMap(({ failures }) => [...failures])),
      };
    }
  }

  private async insertAll(rows: readonly NewConnection[], source: EventSource): Promise<ReadonlySet<string>> {
    if (!this.database.isDistributed) {
      return this.insertTogether(rows, (statement, values) => this.database.query(statement, values), source);
    }
    const stored = await Promise.all(rows.map((row) => this.insertOne(row, source)));
    return new Set(stored.flatMap((ids) => [...ids]));
  }

  /** Stores a connection together with its account. */
  private async insertOne(row: NewConnection, source: EventSource): Promise<ReadonlySet<string>> {
    const query: Query = (statement, values = []) => activate(this.database, row.account, row, statement, values);
    try {
      return await this.insertTogether([row], query, source);
    } catch (error) {
      if (isAccountTaken(error)) {
        return new Set();
      }
      throw error;
    }
  }

  private async insertTogether(
    rows: readonly NewConnection[],
    query: Query,
    source: EventSource,
  ): Promise<ReadonlySet<string>> {
    const tokens = rows.map((row) => row.tokens);
    const accounts = rows.map((row) => row.account);
    const stored = await query<{ id: string }>(insertAll, [
      rows.map(({ userId }) => userId),
      rows.map(({ provider }) => provider),
      rows.map(({ id }) => id),
      rows.map(({ registrationId }) => registrationId),
      rows.map(({ scopesRequested }) => JSON.stringify(scopesRequested)),
      tokens.map(({ sealed }) => sealed),
      tokens.map(({ scopesGranted }) => (scopesGranted === null ? null : JSON.stringify(scopesGranted))),
      tokens.map(({ scopesUnknown }) => scopesUnknown),
      tokens.map(({ expiresAt }) => expiresAt),
      tokens.map(({ refreshable }) => refreshable),
      tokens.map(({ refreshExpiresAt }) => refreshExpiresAt),
      tokens.map(({ refreshDueInMs }) => refreshDueInMs),
      accounts.map(({ digest }) => digest),
      accounts.map(({ exclusive }) => exclusive),
      accounts.map(({ isPending }) => isPending),
      rows.map(({ importDigest }) => importDigest),
      rows.map(({ metadata }) => JSON.stringify(metadata)),
      rows.map(({ erasureDigest }) => erasureDigest),
      source,
    ]);
    return new Set(stored.map(({ id }) => id));
  }
}
