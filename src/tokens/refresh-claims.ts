import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { ConnectionKey } from './connection-store.js';

const takeClaim: Statement = {
  name: 'connections-take-claim',
  text: `UPDATE connections SET claim_id = $5, claimed_until = now() + $6 * interval '1 millisecond', attempt_started_at = now()
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
           AND (claimed_until IS NULL OR claimed_until <= now())
           AND (retry_at IS NULL OR retry_at <= now())
           AND (attempt_started_at IS NULL OR attempt_started_at <= now() - $7 * interval '1 millisecond')
         RETURNING id`,
};
const dropClaim: Statement = {
  name: 'connections-drop-claim',
  text: `UPDATE connections SET claim_id = NULL, claimed_until = NULL, attempt_started_at = NULL
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND claim_id = $4`,
};

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
   * Takes the claim if nobody holds it, no pause is due, and no attempt of unknown outcome is younger than the hold.
   *
   * @param key - row and generation; a row with a newer token set needs no refresh
   * @param lengthMs - longer than the call to the provider may take
   * @param inDoubtHoldMs - how long an attempt of unknown outcome blocks the next one; 0 where the provider forgives reuse
   * @returns the claim's id, or `undefined`
   */
  async take(key: ConnectionKey, lengthMs: number, inDoubtHoldMs: number): Promise<string | undefined> {
    const claimId = randomUUID();
    const rows = await this.database.query(takeClaim, [
      key.userId,
      key.provider,
      key.id,
      key.secretGen,
      claimId,
      lengthMs,
      inDoubtHoldMs,
    ]);
    return rows.length === 1 ? claimId : undefined;
  }

  /** Gives the claim back without an attempt having been made. */
  async drop(key: ConnectionKey, claimId: string): Promise<void> {
    await this.database.query(dropClaim, [key.userId, key.provider, key.id, claimId]);
  }
}
