import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { ConnectionKey } from './connection-store.js';

const takeClaim: Statement = {
  name: 'connections-take-claim',
  text: `WITH candidate AS (
           SELECT registration_id FROM connections
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
             AND (claimed_until IS NULL OR claimed_until <= now())
             AND (retry_at IS NULL OR retry_at <= now())
             AND (attempt_started_at IS NULL OR attempt_started_at <= now() - $7 * interval '1 millisecond')
           FOR UPDATE
         ), probe AS (
           UPDATE provider_gates SET probe_until = now() + $6 * interval '1 millisecond', version = version + 1
           FROM candidate
           WHERE provider_gates.registration_id = candidate.registration_id
             AND closed_until <= now() AND (probe_until IS NULL OR probe_until <= now())
           RETURNING provider_gates.registration_id
         )
         UPDATE connections SET claim_id = $5, claimed_until = now() + $6 * interval '1 millisecond', attempt_started_at = now()
         FROM candidate
         WHERE user_id = $1 AND provider = $2
           AND (EXISTS (SELECT FROM probe) OR NOT EXISTS (
             SELECT FROM provider_gates AS gate
             WHERE gate.registration_id = candidate.registration_id AND gate.closed_until IS NOT NULL))
         RETURNING EXISTS (SELECT FROM probe) AS "isProbe"`,
};
const dropClaim: Statement = {
  name: 'connections-drop-claim',
  text: `UPDATE connections SET claim_id = NULL, claimed_until = NULL, attempt_started_at = NULL
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND claim_id = $4`,
};

/** A claim that was taken. */
export interface RefreshClaim {
  readonly id: string;
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
  constructor(private readonly database: Database) {}

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
    const [row] = await this.database.query<{ isProbe: boolean }>(takeClaim, [
      key.userId,
      key.provider,
      key.id,
      key.secretGen,
      claimId,
      lengthMs,
      inDoubtHoldMs,
    ]);
    return row === undefined ? undefined : { id: claimId, isProbe: row.isProbe };
  }

  /** Gives the claim back without an attempt having been made. */
  async drop(key: ConnectionKey, claimId: string): Promise<void> {
    await this.database.query(dropClaim, [key.userId, key.provider, key.id, claimId]);
  }
}
