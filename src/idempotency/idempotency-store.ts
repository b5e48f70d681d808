import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

/** How long a response is kept. */
export const keptHours = 24;
/** A call that has not ended by then was lost with its process, and may be made again. */
const abandonedAfterSeconds = 60;

const isOver = `old.created_at <= now() - interval '${keptHours} hours'
  OR old.sealed IS NULL AND old.created_at <= now() - interval '${abandonedAfterSeconds} seconds'`;

const statements = {
  begin: {
    name: 'idempotency-keys-begin',
    // A row that is not over stays as it is, and is returned.
    text: `INSERT INTO idempotency_keys AS old (digest, id, body_hash) VALUES ($1, $2, $3)
           ON CONFLICT (digest) DO UPDATE SET
             id = CASE WHEN ${isOver} THEN excluded.id ELSE old.id END,
             body_hash = CASE WHEN ${isOver} THEN excluded.body_hash ELSE old.body_hash END,
             sealed = CASE WHEN ${isOver} THEN NULL ELSE old.sealed END,
             created_at = CASE WHEN ${isOver} THEN now() ELSE old.created_at END
           RETURNING id, body_hash AS "bodyHash", sealed`,
  },
  save: {
    name: 'idempotency-keys-save',
    text: 'UPDATE idempotency_keys SET sealed = $3 WHERE digest = $1 AND id = $2',
  },
  forget: { name: 'idempotency-keys-forget', text: 'DELETE FROM idempotency_keys WHERE digest = $1 AND id = $2' },
  purge: {
    name: 'idempotency-keys-purge',
    text: `DELETE FROM idempotency_keys WHERE digest IN (
             SELECT digest FROM idempotency_keys WHERE created_at <= now() - interval '${keptHours} hours' LIMIT $1
             FOR UPDATE SKIP LOCKED) RETURNING digest`,
  },
} satisfies Record<string, Statement>;

/** A call with an idempotency key. */
export interface KeyedCall {
  /** SHA-256 of the caller, the call and the key. */
  readonly digest: Buffer;
  /** Of this attempt. */
  readonly id: string;
  readonly bodyHash: Buffer;
}

/** The row of a key: this attempt's own, or the one before it. */
export interface StoredCall extends KeyedCall {
  readonly sealed: Buffer | null;
}

/** The table of calls that may be repeated. */
@Injectable()
export class IdempotencyStore {
  constructor(private readonly database: Database) {}

  /** Begins a call, unless it was made before. The result then has the `id` of the earlier attempt. */
  async begin(digest: Buffer, bodyHash: Buffer): Promise<{ readonly call: KeyedCall; readonly stored: StoredCall }> {
    const call = { digest, id: randomUUID(), bodyHash };
    const [row] = await this.database.query<Omit<StoredCall, 'digest'>>(statements.begin, [digest, call.id, bodyHash]);
    if (row === undefined) {
      throw new Error('The idempotency key could not be stored.');
    }
    return { call, stored: { ...row, digest } };
  }

  /** Keeps the response of a call. */
  async save({ digest, id }: KeyedCall, sealed: Buffer): Promise<void> {
    await this.database.query(statements.save, [digest, id, sealed]);
  }

  /** Forgets a call that failed, so that it may be made again with the same key. */
  async forget({ digest, id }: KeyedCall): Promise<void> {
    await this.database.query(statements.forget, [digest, id]);
  }

  /**
   * Deletes older responses.
   *
   * @returns their number, at most `limit`
   */
  async purge(limit: number): Promise<number> {
    return (await this.database.query(statements.purge, [limit])).length;
  }
}
