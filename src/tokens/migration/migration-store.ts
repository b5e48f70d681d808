import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { violatedConstraint } from '../../database/violated-constraint.js';
import { typesOf, withEvents, writeRemoval } from '../../events/event-statement.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { AccountAlreadyLinkedError } from '../../errors/connection.errors.js';
import { activate, isAccountTaken, removeConnection } from '../store/account-holder.js';
import type { StoredAccount, SealedTokenSet, Connection } from '../store/connection.js';
import { deleteSubscriptions } from '../store/unsubscription.js';

/**
 * A run that has not returned by then was lost with its process. Longer than all requests of one migration together.
 */
const lease = `now() + interval '120 seconds'`;

/** `begun`: the exchange, or the refresh after it, may have been made, and its response is not known. */
export type MigrationState = 'ready' | 'begun' | 'exchanged';

/** The connection whose grant is exchanged, and the successor. */
export interface MigratedConnectionRef {
  readonly userId: string;
  /** The provider to migrate from. */
  readonly provider: string;
}

/** A migration that a run holds. */
export interface LeasedMigration extends MigratedConnectionRef {
  readonly leaseId: string;
  /** Of the connection. */
  readonly id: string;
  readonly state: MigrationState;
  readonly sealed: Buffer | null;
  /** The client registration at the successor that the exchange is for, or was. */
  readonly registrationId: string;
}

/** A migration without its tokens. */
export interface MigrationFacts {
  readonly provider: string;
  readonly connectionId: string;
  readonly successor: string;
  readonly state: MigrationState;
  readonly createdAt: Date;
  readonly begunAt: Date | null;
  readonly lastErrorCode: string | null;
}

/** The connections by state, before a run. */
export interface MigrationCounts {
  readonly ready: number;
  readonly inDoubt: number;
  readonly exchanged: number;
  /** The user already has a connection to the successor. */
  readonly alreadyLinked: number;
}

/** A migration replaces a connection by one of the successor: two events, because their ids differ. */
const byMigration = { origin: { source: 'operator', proof: 'confirmed' }, reason: `'migrated'` } as const;
const removal = { source: `'operator'`, eventId: 'gen_random_uuid()', sealed: 'NULL', reason: `'migrated'` };
const isOurs = `user_id = $1 AND provider = $2 AND lease_id = $3`;
const isMigratable = `provider = $1 AND registration_id = $2 AND status = 'active' AND sealed IS NOT NULL
  AND frozen_at IS NULL`;

/**
 * SQL: parts of the WITH clause that lock a migration of this run. The connection is locked first, as an unlink does. A
 * connection that was linked again has another generation, and stays.
 *
 * @param condition - on the migration, with the generation of the connection from `old`
 */
const lockedMigration = (condition: string): string =>
  `old AS (SELECT secret_gen FROM connections WHERE user_id = $1 AND provider = $2 FOR UPDATE),
   migration AS (SELECT user_id FROM grant_migrations WHERE ${isOurs} AND ${condition} FOR UPDATE)`;
const isLocked = 'user_id = $1 AND provider = $2 AND EXISTS (SELECT FROM migration)';

const statements = {
  page: {
    name: 'grant-migrations-page',
    text: `SELECT user_id AS "userId" FROM connections WHERE ${isMigratable} AND user_id > $3 ORDER BY user_id LIMIT $4`,
  },
  count: {
    name: 'grant-migrations-count',
    text: `SELECT count(*) FILTER (WHERE NOT linked AND state = 'ready')::int4 AS ready,
             count(*) FILTER (WHERE NOT linked AND state = 'begun')::int4 AS "inDoubt",
             count(*) FILTER (WHERE NOT linked AND state = 'exchanged')::int4 AS exchanged,
             count(*) FILTER (WHERE linked)::int4 AS "alreadyLinked"
           FROM (SELECT coalesce(state, 'ready') AS state,
               EXISTS (SELECT FROM connections AS new WHERE new.user_id = old.user_id AND new.provider = $3) AS linked
             FROM (SELECT user_id, provider, secret_gen FROM connections WHERE ${isMigratable}) AS old
             LEFT JOIN grant_migrations USING (user_id, provider, secret_gen)) AS each`,
  },
  lease: {
    name: 'grant-migrations-lease',
    // Here excluded.created_at is the present.
    text: `INSERT INTO grant_migrations AS mine (user_id, provider, id, secret_gen, successor, registration_id, lease_id,
             leased_until, created_at)
           SELECT user_id, provider, id, secret_gen, $4, $5, $3, ${lease}, now() FROM connections
           WHERE user_id = $1 AND provider = $2 AND frozen_at IS NULL
           ON CONFLICT (user_id, provider) DO UPDATE SET lease_id = excluded.lease_id, leased_until = excluded.leased_until,
             state = CASE WHEN mine.secret_gen = excluded.secret_gen THEN mine.state ELSE 'ready' END,
             sealed = CASE WHEN mine.secret_gen = excluded.secret_gen THEN mine.sealed END,
             registration_id = CASE WHEN mine.state = 'exchanged' AND mine.secret_gen = excluded.secret_gen
               THEN mine.registration_id ELSE excluded.registration_id END,
             id = excluded.id, secret_gen = excluded.secret_gen
           WHERE mine.leased_until IS NULL OR mine.leased_until <= excluded.created_at
           RETURNING user_id AS "userId", provider, lease_id AS "leaseId", id, state, sealed, registration_id AS "registrationId"`,
  },
  findBegun: {
    name: 'grant-migrations-find-begun',
    text: `SELECT id || '-' || secret_gen AS key FROM grant_migrations WHERE state = 'begun' AND id || '-' || secret_gen = ANY($1::text[])`,
  },
  begin: {
    name: 'grant-migrations-begin',
    text: `UPDATE grant_migrations SET state = 'begun', sealed = NULL, begun_at = now(), secret_gen = $4, last_error_code = NULL,
             leased_until = ${lease} WHERE ${isOurs} AND leased_until > now() RETURNING id`,
  },
  // Also for a run whose lease has expired, if no other run has one: its tokens exist nowhere else.
  saveResult: {
    name: 'grant-migrations-save-result',
    text: `UPDATE grant_migrations SET state = 'exchanged', sealed = $4
           WHERE user_id = $1 AND provider = $2 AND id = $5 AND secret_gen = $6 AND registration_id = $7
             AND (lease_id = $3 AND state IN ('begun', 'exchanged')
               OR state = 'begun' AND (leased_until IS NULL OR leased_until <= now())) RETURNING id`,
  },
  undoBegin: {
    name: 'grant-migrations-undo-begin',
    text: `UPDATE grant_migrations SET state = 'ready' WHERE ${isOurs} AND state = 'begun' RETURNING id`,
  },
  release: {
    name: 'grant-migrations-release',
    text: `UPDATE grant_migrations SET lease_id = NULL, leased_until = NULL, last_error_code = $4 WHERE ${isOurs} RETURNING state`,
  },
  remove: {
    name: 'grant-migrations-remove-connection',
    text: `WITH ${lockedMigration('$4 = (SELECT secret_gen FROM old)')},
             linked AS (SELECT user_id FROM connections
               WHERE user_id = $1 AND provider = $5 AND id = $6 AND secret_gen = $7 AND status = 'active' FOR SHARE),
             removed AS (DELETE FROM connections
               WHERE ${isLocked} AND EXISTS (SELECT FROM linked) RETURNING user_id, provider, id, metadata, event_sequence),
             told AS (${writeRemoval('removed', removal)}),
             unsubscribed AS (${deleteSubscriptions('removed')})
           SELECT id FROM removed`,
  },
  replace: {
    name: 'grant-migrations-replace-connection',
    text: withEvents(
      `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen, linked_at,
         sealed, scopes_granted, expires_at, refreshable, refresh_expires_at, refresh_due_at, account_digest, account_exclusive,
         scopes_unknown, metadata, last_events, event_sequence)
       SELECT user_id, $4, $5, $6, $7::text[], 'active', 1, linked_at, $8, $9::text[], $10::timestamptz, $11::boolean,
         $12::timestamptz, now() + $13::float8 * interval '1 millisecond', $14, $15::boolean, $16::boolean, metadata,
         ${typesOf('connection.linked')}, 1
       FROM removed`,
      byMigration,
      'id',
      {
        with: `${lockedMigration(`state = 'exchanged' AND secret_gen = (SELECT secret_gen FROM old)`)},
             removed AS (DELETE FROM connections
               WHERE ${isLocked} RETURNING user_id, provider, id, metadata, event_sequence, linked_at),
             told_removed AS (${writeRemoval('removed', removal)}),
             unsubscribed AS (${deleteSubscriptions('removed')})`,
      },
    ),
  },
  listOfUser: {
    name: 'grant-migrations-list-of-user',
    text: `SELECT provider, id AS "connectionId", successor, state, created_at AS "createdAt", begun_at AS "begunAt",
             last_error_code AS "lastErrorCode" FROM grant_migrations WHERE user_id = $1 ORDER BY provider`,
  },
} satisfies Record<string, Statement>;

/** The connection that replaces the old one. */
export interface NewConnection {
  readonly provider: string;
  readonly id: string;
  readonly registrationId: string;
  readonly scopesRequested: readonly string[];
}

/**
 * The table of grants that are being exchanged. Every change requires the lease, except storing a received grant. No
 * change is possible once the connection is removed: its row goes with it.
 */
@Injectable()
export class MigrationStore {
  constructor(private readonly database: Database) {}

  /** Returns users with a connection that can be migrated, ordered by id, after `after`. */
  async page(provider: string, registrationId: string, after: string, limit: number): Promise<string[]> {
    const values = [provider, registrationId, after, limit];
    return (await this.database.query<{ userId: string }>(statements.page, values)).map(({ userId }) => userId);
  }

  async count(provider: string, registrationId: string, successor: string): Promise<MigrationCounts> {
    const [row] = await this.database.query<MigrationCounts>(statements.count, [provider, registrationId, successor]);
    return row ?? { ready: 0, inDoubt: 0, exchanged: 0, alreadyLinked: 0 };
  }

  /** Leases the migration of a connection; `undefined` when another run holds it, or the connection was removed. */
  async lease(
    place: MigratedConnectionRef,
    leaseId: string,
    successor: { readonly slug: string; readonly registrationId: string },
  ): Promise<LeasedMigration | undefined> {
    const values = [place.userId, place.provider, leaseId, successor.slug, successor.registrationId];
    try {
      const [row] = await this.database.query<LeasedMigration>(statements.lease, values);
      return row;
    } catch (error) {
      if (violatedConstraint(error) === 'grant_migrations_connection') {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Returns which of these exchanges were begun and are in doubt. A key is the id of the connection, `-`, and the
   * generation of its tokens.
   */
  async findBegun(keys: readonly string[]): Promise<string[]> {
    return (await this.database.query<{ key: string }>(statements.findBegun, [keys])).map(({ key }) => key);
  }

  /**
   * Records the start of an exchange of a token set, or of the refresh after it. Returns false when this run no longer
   * holds the migration.
   *
   * @param secretGen - the generation of the token set that is exchanged
   */
  begin(leased: LeasedMigration, secretGen: number): Promise<boolean> {
    return this.change(statements.begin, leased, secretGen);
  }

  /**
   * Stores the result of the exchange, or of the refresh after it. Also works when the lease has expired, unless
   * another run holds the migration. May be repeated.
   *
   * @param secretGen - as in {@link begin}
   * @returns false when another run holds it, it is no longer in doubt, or the connection was removed
   */
  saveResult(leased: LeasedMigration, secretGen: number, sealed: Buffer): Promise<boolean> {
    return this.change(statements.saveResult, leased, sealed, leased.id, secretGen, leased.registrationId);
  }

  /** Records that a started exchange was not made. */
  async undoBegin(leased: LeasedMigration): Promise<void> {
    await this.change(statements.undoBegin, leased);
  }

  /**
   * Releases a migration.
   *
   * @param code - why it was not finished
   * @returns its state; `undefined` when this run no longer holds it
   */
  async release(leased: LeasedMigration, code: ErrorCode | undefined): Promise<MigrationState | undefined> {
    const values = [...keyOf(leased), code ?? null];
    const [row] = await this.database.query<{ state: MigrationState }>(statements.release, values);
    return row?.state;
  }

  /**
   * Removes the old connection when the user has linked the successor. Its grant is not revoked.
   *
   * @param secretGen - the generation of its token set, as read
   * @param linked - the connection to the successor, as read
   * @returns false when this run no longer holds the migration, or one of the two connections has changed
   */
  async remove(leased: LeasedMigration, secretGen: number, linked: Connection): Promise<boolean> {
    const values = [...keyOf(leased), secretGen, linked.provider, linked.id, linked.secretGen];
    return (await removeConnection(this.database, leased, statements.remove, values)).length === 1;
  }

  /**
   * Replaces the old connection with the new one, in one statement. The old grant is not revoked.
   *
   * @returns `replaced`, or `linked` when the user has linked the successor in the meantime. `lost` when this run no
   *   longer holds the migration, or the old connection was linked again.
   * @throws {@link AccountAlreadyLinkedError} when the account is exclusive and another active connection has it
   */
  async replace(
    leased: LeasedMigration,
    connection: NewConnection,
    tokens: SealedTokenSet,
    account: StoredAccount,
  ): Promise<'replaced' | 'linked' | 'lost'> {
    const { provider, id, registrationId, scopesRequested } = connection;
    const { sealed, scopesGranted, scopesUnknown, expiresAt, refreshable, refreshExpiresAt, refreshDueInMs } = tokens;
    const place = [provider, id, registrationId, scopesRequested];
    const set = [sealed, scopesGranted, expiresAt, refreshable, refreshExpiresAt, refreshDueInMs];
    const values = [...keyOf(leased), ...place, ...set, account.digest, account.exclusive, scopesUnknown];
    const holder = { userId: leased.userId, provider, id };
    try {
      const rows = await activate(this.database, account, holder, statements.replace, values, leased);
      return rows.length === 1 ? 'replaced' : 'lost';
    } catch (error) {
      if (violatedConstraint(error) === 'connections_pkey') {
        return 'linked';
      }
      if (isAccountTaken(error)) {
        throw new AccountAlreadyLinkedError();
      }
      throw error;
    }
  }

  /** Returns the migrations of a user, sorted by provider. */
  listOfUser(userId: string): Promise<MigrationFacts[]> {
    return this.database.query<MigrationFacts>(statements.listOfUser, [userId]);
  }

  private async change(statement: Statement, leased: LeasedMigration, ...values: unknown[]): Promise<boolean> {
    return (await this.database.query(statement, [...keyOf(leased), ...values])).length === 1;
  }
}

function keyOf({ userId, provider, leaseId }: LeasedMigration): unknown[] {
  return [userId, provider, leaseId];
}
