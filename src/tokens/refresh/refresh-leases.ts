import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { Database, type Statement } from '../../database/database.js';
import { announce, typesWhere, withEvents } from '../../events/event-statement.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { byRefresh, failureDetails, failureReason, isFirstFailure } from '../store/connection-events.js';
import { ConnectionStore } from '../store/connection-store.js';
import { connectionColumns, type ConnectionKey, type Connection } from '../store/connection.js';

/**
 * Grace period after an outage (ms): other replicas may still be committing from their journals. Longer than they take
 * to search their journals, and than an idle process takes to notice the outage.
 */
const outageGraceMs = 30_000;

/**
 * Difference (ms) between the database's clock and the clock that this process derives from it, above which the
 * database's clock counts as set forward.
 */
const clockJumpMs = 5_000;

/**
 * SQL: whether a connection may be leased now. It is not frozen, nobody holds the lease, and no pause applies. No
 * attempt of unknown outcome is younger than the hold, or may still be committed by its process. After a forward clock
 * jump an attempt's age is unknown, so nothing in doubt is leased (R-12).
 */
const isFree = (holdMs: string, outageIsOver: string, latestNow: string): string => `
  frozen_at IS NULL
  AND (leased_until IS NULL OR leased_until <= now())
  AND (retry_at IS NULL OR retry_at <= now())
  AND (attempt_started_at IS NULL OR attempt_started_at <= now() - ${holdMs} * interval '1 millisecond'
    AND (${outageIsOver} AND now() <= ${latestNow}::timestamptz OR ${holdMs} = 0))`;

/**
 * SQL: instants of a lease, as the table `lease`. Apart from the SET clause, because Citus refuses instants there that
 * depend on a column.
 */
const leaseInstants = (lengthMs: string, holdMs: string): string => `(
  SELECT now() AS starts_at, now() + ${lengthMs} * interval '1 millisecond' AS ends_at,
    now() + greatest(${lengthMs}, ${holdMs}) * interval '1 millisecond' AS look_at) AS lease`;

/**
 * SQL: columns that a lease sets. The row is due again when the lease and the hold have expired, so that an abandoned
 * refresh is picked up. A row that is already due stays due, because the condition skips it in the meantime: the index
 * is left alone, and the row changes in place.
 */
const setLease = (leaseId: string): string => `
  lease_id = ${leaseId}, leased_until = lease.ends_at, attempt_started_at = lease.starts_at,
  refresh_due_at = CASE WHEN connections.refresh_due_at IS NULL THEN NULL
    ELSE least(connections.refresh_due_at, lease.look_at) END`;

/**
 * SQL: whether an ended connection may be tried again. No other active connection may have its account, whose grant the
 * trial could end. Only rows that were left due at their end are found due.
 */
const mayBeTried = `(status = 'active' OR NOT EXISTS (
  SELECT FROM connections AS other WHERE other.account_digest = connections.account_digest AND other.status = 'active'))`;

/** SQL: whether the provider's circuit breaker is closed. */
const circuitClosed = `NOT EXISTS (
  SELECT FROM circuit_breakers AS circuit WHERE circuit.registration_id = connections.registration_id AND circuit.open_until IS NOT NULL)`;

/** SQL: whether an open circuit breaker is ready for a trial, and no trial is running. */
const readyForTrial = 'open_until <= now() AND (trial_until IS NULL OR trial_until <= now())';

/** SQL: takes the lease of one connection with a given token set. */
const acquireActive = (isTrial: boolean): string => `
  UPDATE connections SET ${setLease('$5')}
  FROM ${leaseInstants('$6::float8', '$7::float8')}
  WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
    AND ${isFree('$7::float8', '$8', '$9')} ${isTrial ? '' : `AND ${circuitClosed}`}
  RETURNING id`;

const acquireOne: Statement = {
  name: 'connections-acquire-lease',
  text: `WITH leased AS (${acquireActive(false)})
         SELECT EXISTS (SELECT id FROM leased) AS "isLeased",
           EXISTS (SELECT 1 FROM circuit_breakers WHERE registration_id = $10 AND ${readyForTrial}) AS "isReadyForTrial"`,
};
const acquireTrial: Statement = { name: 'connections-acquire-trial', text: acquireActive(true) };
const beginTrial: Statement = {
  name: 'circuit-breakers-begin-trial',
  text: `UPDATE circuit_breakers SET trial_until = now() + $2::float8 * interval '1 millisecond', version = version + 1
         WHERE registration_id = $1 AND ${readyForTrial} RETURNING registration_id`,
};
const acquireDue: Statement = {
  name: 'connections-acquire-due-leases',
  // Locking skips rows that another replica takes at this moment. The condition skips rows that it has taken before.
  text: `WITH due AS MATERIALIZED (
           SELECT row_user_id, row_provider, length_ms, hold_ms, in_doubt
           FROM unnest($1::text[], $2::int[], $3::float8[], $4::float8[]) AS room (slug, wanted, length_ms, hold_ms)
           CROSS JOIN LATERAL (
             SELECT user_id AS row_user_id, provider AS row_provider, refresh_due_at AS due_at,
               attempt_started_at IS NOT NULL AS in_doubt
             FROM connections
             WHERE provider = slug AND refresh_due_at <= now() AND ${isFree('hold_ms', '$6', '$7')}
               AND ${circuitClosed} AND ${mayBeTried}
             ORDER BY refresh_due_at LIMIT wanted FOR UPDATE SKIP LOCKED
           ) AS due_rows
           ORDER BY due_at LIMIT $5
         )
         UPDATE connections SET ${setLease('gen_random_uuid()')}
         FROM due CROSS JOIN LATERAL ${leaseInstants('length_ms', 'hold_ms')}
         WHERE user_id = row_user_id AND provider = row_provider
         RETURNING ${connectionColumns}, lease_id AS "leaseId", in_doubt AS "wasInDoubt"`,
};
const findDue: Statement = {
  name: 'connections-find-due',
  // Reads only. Citus locks no rows of several servers for one statement.
  text: `SELECT user_id AS "userId", provider, status = 'active' AS "isActive", account_digest AS "accountDigest",
           attempt_started_at IS NOT NULL AS "wasInDoubt", length_ms AS "lengthMs", hold_ms AS "holdMs"
         FROM unnest($1::text[], $2::float8[], $3::float8[]) AS room (slug, length_ms, hold_ms)
         JOIN connections ON provider = slug
         WHERE refresh_due_at <= now() AND ${isFree('hold_ms', '$4', '$5')} AND ${circuitClosed}
         ORDER BY refresh_due_at LIMIT $6`,
};
const acquireOneDue: Statement = {
  name: 'connections-acquire-due-lease',
  text: `WITH leased AS (
           UPDATE connections SET ${setLease('$3::uuid')}
           FROM ${leaseInstants('$4::float8', '$5::float8')}
           WHERE user_id = $1 AND provider = $2 AND connections.refresh_due_at <= lease.starts_at
             AND (attempt_started_at IS NOT NULL) = $8 AND ${isFree('$5::float8', '$6', '$7')} AND ${circuitClosed}
           RETURNING connections.*
         )
         SELECT ${connectionColumns}, lease_id AS "leaseId" FROM leased`,
};
const findTrial: Statement = {
  name: 'connections-find-trial',
  text: `SELECT ${connectionColumns} FROM connections
         WHERE provider = $1 AND refresh_due_at <= now() AND status = 'active' AND ${isFree('$2::float8', '$3', '$4')}
           AND EXISTS (SELECT FROM circuit_breakers
             WHERE circuit_breakers.registration_id = connections.registration_id AND ${readyForTrial})
         ORDER BY refresh_due_at LIMIT 1`,
};
const releaseOne: Statement = {
  name: 'connections-release-lease',
  text: `UPDATE connections SET lease_id = NULL, leased_until = NULL, attempt_started_at = NULL
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4`,
};
const renewOne: Statement = {
  name: 'connections-renew-lease',
  text: `UPDATE connections SET leased_until = now() + $5::float8 * interval '1 millisecond'
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4`,
};
const recordUnreadable: Statement = {
  name: 'connections-record-unreadable',
  text: withEvents(
    `UPDATE connections SET lease_id = NULL, leased_until = NULL, attempt_started_at = NULL,
       failed_attempts = failed_attempts + 1, last_error_code = $5, last_error_at = now(),
       refresh_due_at = CASE WHEN connections.refresh_due_at IS NULL THEN NULL ELSE next.look_at END,
       ${announce(typesWhere({ 'connection.refresh_failing': isFirstFailure }))}
     FROM (SELECT now() + $6::float8 * interval '1 millisecond' AS look_at) AS next
     WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4`,
    { origin: byRefresh, reason: failureReason, details: failureDetails },
    'id',
  ),
};

/** A due connection that is leased. */
export interface LeasedConnection extends Connection {
  readonly leaseId: string;
  /** Whether an earlier attempt of unknown outcome exists, whose hold has passed. */
  readonly wasInDoubt: boolean;
}

/** Identifies a token set, and the circuit breaker of its provider. */
type LeaseKey = ConnectionKey & Pick<Connection, 'registrationId'>;

/** The result of an attempt to take a lease. */
interface AcquiredLease {
  readonly isLeased: boolean;
  /** Whether the circuit breaker is open and a trial may begin. */
  readonly isReadyForTrial: boolean;
}

/** A connection that was due a moment ago. */
interface DueConnection {
  readonly userId: string;
  readonly provider: string;
  readonly isActive: boolean;
  readonly accountDigest: Buffer | null;
  readonly wasInDoubt: boolean;
  readonly lengthMs: number;
  readonly holdMs: number;
}

/** Rolls a transaction back whose trial cannot begin. */
class NoTrial extends Error {}

/** How many due refreshes of a provider are wanted. */
export interface ProviderRoom {
  readonly provider: string;
  /** Most connections. */
  readonly wanted: number;
  /** As in {@link RefreshLeases.acquire}. */
  readonly lengthMs: number;
  readonly inDoubtHoldMs: number;
}

/** A lease that was taken. */
export interface RefreshLease {
  readonly id: string;
  /** An instant of `performance.now` before it was taken. */
  readonly takenAtMs: number;
  /** Whether this refresh is the half-open trial of the circuit breaker. */
  readonly isTrial: boolean;
}

/**
 * The lease to spend the refresh token of one connection, held by one process at a time.
 *
 * Taking it is one UPDATE on the database's clock, which also proves that the database can be written before the
 * refresh token is spent. No transaction or pooled connection is held while the provider is called.
 */
@Injectable()
export class RefreshLeases {
  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly clock: Clock,
  ) {}

  /** The last two values of {@link isFree}. */
  private doubt(): readonly [outageIsOver: boolean, latestNow: Date] {
    return [this.database.reachableForMs > outageGraceMs, new Date(this.clock.now().getTime() + clockJumpMs)];
  }

  /**
   * Takes the lease if nobody holds it, no pause applies, and no attempt of unknown outcome is younger than the hold.
   * The provider's circuit breaker must be closed. If it is ready for a trial, one lease at a time becomes the trial.
   *
   * @param connection - row and generation; a row with a newer token set needs no refresh
   * @param lengthMs - longer than the call to the provider may take
   * @param inDoubtHoldMs - how long an attempt of unknown outcome blocks the next one; 0 where the provider forgives
   *   reuse
   * @returns the lease, or `undefined`
   */
  async acquire(connection: LeaseKey, lengthMs: number, inDoubtHoldMs: number): Promise<RefreshLease | undefined> {
    const id = randomUUID();
    const takenAtMs = performance.now();
    const { userId, provider, id: connectionId, secretGen, registrationId } = connection;
    const values = [userId, provider, connectionId, secretGen, id, lengthMs, inDoubtHoldMs, ...this.doubt()];
    const [row] = await this.database.query<AcquiredLease>(acquireOne, [...values, registrationId]);
    if (row?.isLeased === true) {
      return { id, takenAtMs, isTrial: false };
    }
    const isTrial = row?.isReadyForTrial === true && (await this.acquireTrial(registrationId, lengthMs, values));
    return isTrial ? { id, takenAtMs, isTrial } : undefined;
  }

  /** Begins the trial of a circuit breaker with the lease of a connection, or does neither. */
  private async acquireTrial(registrationId: string, lengthMs: number, values: readonly unknown[]): Promise<boolean> {
    try {
      await this.database.transaction(async (query) => {
        const begun = await query(beginTrial, [registrationId, lengthMs]);
        if (begun.length === 0 || (await query(acquireTrial, values)).length === 0) {
          throw new NoTrial();
        }
      });
      return true;
    } catch (error) {
      if (error instanceof NoTrial) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Leases due connections, the longest overdue first, except at providers whose circuit breaker is open. Each row goes
   * to one replica, however many ask at once.
   *
   * @param rooms - the leases wanted at each provider
   * @param limit - most connections in total
   */
  acquireDue(rooms: readonly ProviderRoom[], limit: number): Promise<LeasedConnection[]> {
    if (this.database.isDistributed) {
      return this.acquireEachDue(rooms, limit);
    }
    return this.database.query<LeasedConnection>(acquireDue, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ wanted }) => wanted),
      rooms.map(({ lengthMs }) => lengthMs),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      limit,
      ...this.doubt(),
    ]);
  }

  /**
   * Looks at the due rows of all servers, then leases each on its own server. Replicas look at the same rows. If there
   * are more than one replica takes, each takes others of them.
   */
  private async acquireEachDue(rooms: readonly ProviderRoom[], limit: number): Promise<LeasedConnection[]> {
    const found = await this.database.query<DueConnection>(findDue, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ lengthMs }) => lengthMs),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      ...this.doubt(),
      2 * limit,
    ]);
    const wanted = new Map(rooms.map((room) => [room.provider, room.wanted]));
    const chosen = (found.length > limit ? shuffle(found) : found)
      .filter(({ provider }) => {
        const left = wanted.get(provider) ?? 0;
        wanted.set(provider, left - 1);
        return left > 0;
      })
      .slice(0, limit);
    const leased = await Promise.all(chosen.map((due) => this.acquireDueRow(due)));
    return leased.filter((row) => row !== undefined);
  }

  private async acquireDueRow(due: DueConnection): Promise<LeasedConnection | undefined> {
    const { userId, provider, isActive, accountDigest, wasInDoubt, lengthMs, holdMs } = due;
    if (!isActive && accountDigest !== null && (await this.store.isAccountTaken(accountDigest, userId))) {
      return undefined;
    }
    const values = [userId, provider, randomUUID(), lengthMs, holdMs, ...this.doubt(), wasInDoubt];
    const [row] = await this.database.query<Omit<LeasedConnection, 'wasInDoubt'>>(acquireOneDue, values);
    return row && { ...row, wasInDoubt };
  }

  /**
   * Finds the most overdue connection of a provider whose circuit breaker is ready for a trial. It is not leased.
   */
  async findTrial({ provider, inDoubtHoldMs }: ProviderRoom): Promise<Connection | undefined> {
    const [found] = await this.database.query<Connection>(findTrial, [provider, inDoubtHoldMs, ...this.doubt()]);
    return found;
  }

  /**
   * Returns the lease of a row that cannot be used, and records why. Callers need not wait for it: the problem is ours
   * and may be fixed at any moment.
   *
   * @param dueInMs - when the scheduler looks at the row again
   */
  async recordUnreadable(key: ConnectionKey, leaseId: string, code: ErrorCode, dueInMs: number): Promise<void> {
    await this.database.query(recordUnreadable, [key.userId, key.provider, key.id, leaseId, code, dueInMs]);
  }

  /** Extends the lease to this length from now on, unless it has ended or was replaced. */
  async renew(key: ConnectionKey, leaseId: string, lengthMs: number): Promise<void> {
    await this.database.query(renewOne, [key.userId, key.provider, key.id, leaseId, lengthMs]);
  }

  /** Returns the lease without an attempt. */
  async release(key: ConnectionKey, leaseId: string): Promise<void> {
    await this.database.query(releaseOne, [key.userId, key.provider, key.id, leaseId]);
  }
}

/** Returns the same items in a random order. */
function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}
