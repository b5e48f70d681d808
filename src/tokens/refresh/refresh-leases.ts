import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { Database, type Statement } from '../../database/database.js';
import { announce, typesWhere, withEvents } from '../../events/event-statement.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { byRefresh, failureDetails, failureReason, isFirstFailure } from '../store/connection-events.js';
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
 * jump an attempt's age is unknown, so nothing in doubt is leased.
 */
const isFree = (holdMs: string, outageIsOver: string, latestNow: string): string => `
  frozen_at IS NULL
  AND (leased_until IS NULL OR leased_until <= now())
  AND (retry_at IS NULL OR retry_at <= now())
  AND (attempt_started_at IS NULL OR attempt_started_at <= now() - ${holdMs} * interval '1 millisecond'
    AND (${outageIsOver} AND now() <= ${latestNow}::timestamptz OR ${holdMs} = 0))`;

/**
 * SQL: the columns that a lease sets. The row is due again when the lease and the hold have expired, so that an
 * abandoned refresh is picked up. A row that is already due stays due: the condition skips it in the meantime, the
 * index does not change, and the row changes in place.
 */
const setLease = (leaseId: string, lengthMs: string, holdMs: string): string => `
  lease_id = ${leaseId}, leased_until = now() + ${lengthMs} * interval '1 millisecond', attempt_started_at = now(),
  refresh_due_at = CASE WHEN refresh_due_at IS NULL THEN NULL
    ELSE least(refresh_due_at, now() + greatest(${lengthMs}, ${holdMs}) * interval '1 millisecond') END`;

/**
 * SQL: whether an ended connection may be tried again. No other active connection may have its account, whose grant the
 * trial could end. Only rows that were left due at their end are found due.
 */
const mayBeTried = `(status = 'active' OR NOT EXISTS (
  SELECT FROM connections AS other WHERE other.account_digest = connections.account_digest AND other.status = 'active'))`;

/** SQL: whether the provider's circuit breaker is closed. */
const circuitClosed = (row: string): string => `NOT EXISTS (
  SELECT FROM circuit_breakers AS circuit WHERE circuit.registration_id = ${row}.registration_id AND circuit.open_until IS NOT NULL)`;

/** SQL: whether an open circuit breaker is ready for a trial, and no trial is running. */
const readyForTrial = 'open_until <= now() AND (trial_until IS NULL OR trial_until <= now())';

const acquireOne: Statement = {
  name: 'connections-acquire-lease',
  text: `WITH candidate AS (
           SELECT registration_id FROM connections
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
             AND ${isFree('$7::float8', '$8', '$9')}
           FOR UPDATE
         ), trial AS (
           UPDATE circuit_breakers SET trial_until = now() + $6::float8 * interval '1 millisecond', version = version + 1
           FROM candidate
           WHERE circuit_breakers.registration_id = candidate.registration_id AND ${readyForTrial}
           RETURNING circuit_breakers.registration_id
         )
         UPDATE connections SET ${setLease('$5', '$6::float8', '$7::float8')}
         FROM candidate
         WHERE user_id = $1 AND provider = $2 AND (EXISTS (SELECT FROM trial) OR ${circuitClosed('candidate')})
         RETURNING EXISTS (SELECT FROM trial) AS "isTrial"`,
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
               AND ${circuitClosed('connections')} AND ${mayBeTried}
             ORDER BY refresh_due_at LIMIT wanted FOR UPDATE SKIP LOCKED
           ) AS due_rows
           ORDER BY due_at LIMIT $5
         )
         UPDATE connections SET ${setLease('gen_random_uuid()', 'length_ms', 'hold_ms')}
         FROM due WHERE user_id = row_user_id AND provider = row_provider
         RETURNING ${connectionColumns}, lease_id AS "leaseId", in_doubt AS "wasInDoubt"`,
};
const findTrials: Statement = {
  name: 'connections-find-trials',
  text: `SELECT ${connectionColumns}
         FROM unnest($1::text[], $2::float8[]) AS room (slug, hold_ms)
         CROSS JOIN LATERAL (
           SELECT connections.* FROM connections JOIN circuit_breakers USING (registration_id)
           WHERE provider = slug AND refresh_due_at <= now() AND status = 'active'
             AND ${isFree('hold_ms', '$3', '$4')} AND ${readyForTrial}
           ORDER BY refresh_due_at LIMIT 1
         ) AS due`,
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
       refresh_due_at = CASE WHEN refresh_due_at IS NULL THEN NULL ELSE now() + $6::float8 * interval '1 millisecond' END,
       ${announce(typesWhere({ 'connection.refresh_failing': isFirstFailure }))}
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
    private readonly clock: Clock,
  ) {}

  private get latestNow(): Date {
    return new Date(this.clock.now().getTime() + clockJumpMs);
  }

  private get outageIsOver(): boolean {
    return this.database.reachableForMs > outageGraceMs;
  }

  /**
   * Takes the lease if nobody holds it, no pause applies, and no attempt of unknown outcome is younger than the hold.
   * The provider's circuit breaker must be closed. If it is ready for a trial, one lease at a time becomes the trial.
   *
   * @param key - row and generation; a row with a newer token set needs no refresh
   * @param lengthMs - longer than the call to the provider may take
   * @param inDoubtHoldMs - how long an attempt of unknown outcome blocks the next one; 0 where the provider forgives
   *   reuse
   * @returns the lease, or `undefined`
   */
  async acquire(key: ConnectionKey, lengthMs: number, inDoubtHoldMs: number): Promise<RefreshLease | undefined> {
    const leaseId = randomUUID();
    const takenAtMs = performance.now();
    const [row] = await this.database.query<{ isTrial: boolean }>(acquireOne, [
      key.userId,
      key.provider,
      key.id,
      key.secretGen,
      leaseId,
      lengthMs,
      inDoubtHoldMs,
      this.outageIsOver,
      this.latestNow,
    ]);
    return row === undefined ? undefined : { id: leaseId, takenAtMs, isTrial: row.isTrial };
  }

  /**
   * Leases due connections in one statement, the longest overdue first, except at providers whose circuit breaker is
   * open. Each row goes to one replica, however many ask at once.
   *
   * @param rooms - the leases wanted at each provider
   * @param limit - most connections in total
   */
  acquireDue(rooms: readonly ProviderRoom[], limit: number): Promise<LeasedConnection[]> {
    return this.database.query<LeasedConnection>(acquireDue, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ wanted }) => wanted),
      rooms.map(({ lengthMs }) => lengthMs),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      limit,
      this.outageIsOver,
      this.latestNow,
    ]);
  }

  /**
   * Finds the most overdue connection at each provider whose circuit breaker is ready for a trial. None of them is
   * leased.
   */
  findTrials(rooms: readonly ProviderRoom[]): Promise<Connection[]> {
    return this.database.query<Connection>(findTrials, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      this.outageIsOver,
      this.latestNow,
    ]);
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
