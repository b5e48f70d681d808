import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database, type Statement } from '../database/database.js';
import type { ErrorCode } from '../errors/error-code.js';
import { connectionColumns, type ConnectionKey, type StoredConnection } from './connection-store.js';

/**
 * After the database was away for longer than a hold, other processes commit what they got before it went; in milliseconds. Longer than
 * they take to look through their journals, and than a process with nothing to do takes to notice that the database is away.
 */
const returnMs = 30_000;

/** The database's clock was set forward when it is ahead by more than this of the one that this process keeps by it, in milliseconds. */
const jumpMs = 5_000;

/**
 * Whether a connection may be claimed now: it waits for nobody, no pause is due, and no attempt of unknown outcome is younger than
 * the hold, or may still be committed by whoever made it. How old one is, is not known when it is later than it can be.
 */
const claimable = (holdMs: string, hasReturned: string, latestNow: string): string => `
  (claimed_until IS NULL OR claimed_until <= now())
  AND (retry_at IS NULL OR retry_at <= now())
  AND (attempt_started_at IS NULL OR attempt_started_at <= now() - ${holdMs} * interval '1 millisecond'
    AND (${hasReturned} AND now() <= ${latestNow}::timestamptz OR ${holdMs} = 0))`;

/**
 * What a claim writes. It is due where claim and hold have passed at the latest: by then somebody has to look what became of it.
 * What is due already stays so, as the condition skips it meanwhile: the index is left alone, and the row changes in place.
 */
const claimed = (claimId: string, lengthMs: string, holdMs: string): string => `
  claim_id = ${claimId}, claimed_until = now() + ${lengthMs} * interval '1 millisecond', attempt_started_at = now(),
  refresh_due_at = CASE WHEN refresh_due_at IS NULL THEN NULL
    ELSE least(refresh_due_at, now() + greatest(${lengthMs}, ${holdMs}) * interval '1 millisecond') END`;

/**
 * Whether a connection that has ended may be tried once more: no other connection lives on its account, whose grant that could end. Only
 * what the end left due is ever found due.
 */
const mayBeTried = `(status = 'active' OR NOT EXISTS (
  SELECT FROM connections AS other WHERE other.account_digest = connections.account_digest AND other.status = 'active'))`;

/** Whether nothing holds refreshes at the provider back. */
const gateOpen = (row: string): string => `NOT EXISTS (
  SELECT FROM provider_gates AS gate WHERE gate.registration_id = ${row}.registration_id AND gate.closed_until IS NOT NULL)`;

/** Whether a closed gate waits for a refresh that tries it, and nobody is at it. */
const readyToBeTried = 'closed_until <= now() AND (probe_until IS NULL OR probe_until <= now())';

const takeClaim: Statement = {
  name: 'connections-take-claim',
  text: `WITH candidate AS (
           SELECT registration_id FROM connections
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
             AND ${claimable('$7::float8', '$8', '$9')}
           FOR UPDATE
         ), probe AS (
           UPDATE provider_gates SET probe_until = now() + $6::float8 * interval '1 millisecond', version = version + 1
           FROM candidate
           WHERE provider_gates.registration_id = candidate.registration_id AND ${readyToBeTried}
           RETURNING provider_gates.registration_id
         )
         UPDATE connections SET ${claimed('$5', '$6::float8', '$7::float8')}
         FROM candidate
         WHERE user_id = $1 AND provider = $2 AND (EXISTS (SELECT FROM probe) OR ${gateOpen('candidate')})
         RETURNING EXISTS (SELECT FROM probe) AS "isProbe"`,
};
const takeDueClaims: Statement = {
  name: 'connections-take-due-claims',
  // Locking skips what another replica is taking at this moment; the condition skips what it has taken before.
  text: `WITH due AS MATERIALIZED (
           SELECT row_user_id, row_provider, length_ms, hold_ms, in_doubt
           FROM unnest($1::text[], $2::int[], $3::float8[], $4::float8[]) AS room (slug, wanted, length_ms, hold_ms)
           CROSS JOIN LATERAL (
             SELECT user_id AS row_user_id, provider AS row_provider, refresh_due_at AS due_at,
               attempt_started_at IS NOT NULL AS in_doubt
             FROM connections
             WHERE provider = slug AND refresh_due_at <= now() AND ${claimable('hold_ms', '$6', '$7')}
               AND ${gateOpen('connections')} AND ${mayBeTried}
             ORDER BY refresh_due_at LIMIT wanted FOR UPDATE SKIP LOCKED
           ) AS due_rows
           ORDER BY due_at LIMIT $5
         )
         UPDATE connections SET ${claimed('gen_random_uuid()', 'length_ms', 'hold_ms')}
         FROM due WHERE user_id = row_user_id AND provider = row_provider
         RETURNING ${connectionColumns}, claim_id AS "claimId", in_doubt AS "wasInDoubt"`,
};
const findProbes: Statement = {
  name: 'connections-find-probes',
  text: `SELECT ${connectionColumns}
         FROM unnest($1::text[], $2::float8[]) AS room (slug, hold_ms)
         CROSS JOIN LATERAL (
           SELECT connections.* FROM connections JOIN provider_gates USING (registration_id)
           WHERE provider = slug AND refresh_due_at <= now() AND status = 'active'
             AND ${claimable('hold_ms', '$3', '$4')} AND ${readyToBeTried}
           ORDER BY refresh_due_at LIMIT 1
         ) AS due`,
};
const dropClaim: Statement = {
  name: 'connections-drop-claim',
  text: `UPDATE connections SET claim_id = NULL, claimed_until = NULL, attempt_started_at = NULL
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND claim_id = $4`,
};
const renewClaim: Statement = {
  name: 'connections-renew-claim',
  text: `UPDATE connections SET claimed_until = now() + $5::float8 * interval '1 millisecond'
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND claim_id = $4`,
};
const setAside: Statement = {
  name: 'connections-set-aside',
  text: `UPDATE connections SET claim_id = NULL, claimed_until = NULL, attempt_started_at = NULL,
           failed_attempts = failed_attempts + 1, last_error_code = $5, last_error_at = now(),
           refresh_due_at = CASE WHEN refresh_due_at IS NULL THEN NULL ELSE now() + $6::float8 * interval '1 millisecond' END
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND claim_id = $4`,
};

/** A connection that was due and is claimed. */
export interface ClaimedConnection extends StoredConnection {
  readonly claimId: string;
  /** Whether an earlier attempt of unknown outcome was under way; its hold has passed. */
  readonly wasInDoubt: boolean;
}

/** How much of a provider's due refreshes are wanted. */
export interface ProviderRoom {
  readonly provider: string;
  /** Connections at most. */
  readonly wanted: number;
  /** As in {@link RefreshClaims.take}. */
  readonly lengthMs: number;
  readonly inDoubtHoldMs: number;
}

/** A claim that was taken. */
export interface RefreshClaim {
  readonly id: string;
  /** An instant of `performance.now` before it was taken. */
  readonly takenAtMs: number;
  /** Whether this refresh alone tries if a closed gate can be opened. */
  readonly isProbe: boolean;
}

/**
 * The right to spend the refresh token of one connection, given to one process at a time.
 *
 * Taking it is one UPDATE on the database's clock, which is also the proof that the database can be written before the
 * refresh token is spent. No transaction or pooled connection is held while the provider is called.
 */
@Injectable()
export class RefreshClaims {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  private get latestNow(): Date {
    return new Date(this.clock.now().getTime() + jumpMs);
  }

  private get hasReturned(): boolean {
    return this.database.reachableForMs > returnMs;
  }

  /**
   * Takes the claim if nobody holds it, no pause is due, no attempt of unknown outcome is younger than the hold, and the
   * provider's gate is open. Of a gate that waits to be tried, one claim at a time becomes the probe.
   *
   * @param key - row and generation; a row with a newer token set needs no refresh
   * @param lengthMs - longer than the call to the provider may take
   * @param inDoubtHoldMs - how long an attempt of unknown outcome blocks the next one; 0 where the provider forgives reuse
   * @returns the claim, or `undefined`
   */
  async take(key: ConnectionKey, lengthMs: number, inDoubtHoldMs: number): Promise<RefreshClaim | undefined> {
    const claimId = randomUUID();
    const takenAtMs = performance.now();
    const [row] = await this.database.query<{ isProbe: boolean }>(takeClaim, [
      key.userId,
      key.provider,
      key.id,
      key.secretGen,
      claimId,
      lengthMs,
      inDoubtHoldMs,
      this.hasReturned,
      this.latestNow,
    ]);
    return row === undefined ? undefined : { id: claimId, takenAtMs, isProbe: row.isProbe };
  }

  /**
   * Claims connections that are due, the longest overdue first, in one statement; none of providers whose gate is closed. However many
   * replicas ask at once, each row is given to one of them.
   *
   * @param rooms - what is wanted of each provider
   * @param limit - connections at most in all
   */
  takeDue(rooms: readonly ProviderRoom[], limit: number): Promise<ClaimedConnection[]> {
    return this.database.query<ClaimedConnection>(takeDueClaims, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ wanted }) => wanted),
      rooms.map(({ lengthMs }) => lengthMs),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      limit,
      this.hasReturned,
      this.latestNow,
    ]);
  }

  /** Finds the connection that is due longest at each provider whose closed gate waits to be tried. None of them is claimed. */
  findProbes(rooms: readonly ProviderRoom[]): Promise<StoredConnection[]> {
    return this.database.query<StoredConnection>(findProbes, [
      rooms.map(({ provider }) => provider),
      rooms.map(({ inDoubtHoldMs }) => inDoubtHoldMs),
      this.hasReturned,
      this.latestNow,
    ]);
  }

  /**
   * Gives the claim back because the row cannot be worked with, and writes down why. Callers are not made to wait: what is wrong is
   * ours, and may be mended at any moment.
   *
   * @param dueInMs - when the scheduler looks at the row again
   */
  async setAside(key: ConnectionKey, claimId: string, code: ErrorCode, dueInMs: number): Promise<void> {
    await this.database.query(setAside, [key.userId, key.provider, key.id, claimId, code, dueInMs]);
  }

  /** Lets the claim last so long from now on, unless it has ended or another one has taken its place. */
  async renew(key: ConnectionKey, claimId: string, lengthMs: number): Promise<void> {
    await this.database.query(renewClaim, [key.userId, key.provider, key.id, claimId, lengthMs]);
  }

  /** Gives the claim back without an attempt having been made. */
  async drop(key: ConnectionKey, claimId: string): Promise<void> {
    await this.database.query(dropClaim, [key.userId, key.provider, key.id, claimId]);
  }
}
