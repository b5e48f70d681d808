import { Injectable } from '@nestjs/common';
import { Database, type Query, type Statement } from '../database/database.js';
import type { EventType } from '../events/event-type.js';

/** Outcome of one attempt: `retrying` if another one follows, `failed` if none does. */
export const attemptOutcomes = ['delivered', 'retrying', 'failed'] as const;

export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** One attempt to deliver an event to an endpoint. */
export interface Attempt {
  readonly endpointId: string;
  readonly eventId: string;
  readonly eventType: string;
  /** Counts the attempts of one delivery, from 1. */
  readonly attempt: number;
  readonly attemptedAt: Date;
  readonly durationMs: number;
  readonly outcome: AttemptOutcome;
  /** `null` when there was no response. */
  readonly httpStatus: number | null;
  /** Why there was no response. */
  readonly errorCode: string | null;
  readonly nextAttemptAt: Date | null;
}

/** An attempt with its place in the list. */
export type StoredAttempt = Attempt & { readonly number: number };

const statements = {
  insert: {
    name: 'webhook-attempts-insert',
    text: `INSERT INTO webhook_attempts (endpoint_id, event_id, event_type, attempt, attempted_at, duration_ms, outcome,
             http_status, error_code, next_attempt_at)
           SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::timestamptz[], $6::int[], $7::text[],
             $8::int[], $9::text[], $10::timestamptz[])`,
  },
  page: {
    name: 'webhook-attempts-page',
    text: `SELECT number::float8 AS number, endpoint_id AS "endpointId", event_id AS "eventId", event_type AS "eventType", attempt,
             attempted_at AS "attemptedAt", duration_ms AS "durationMs", outcome, http_status AS "httpStatus",
             error_code AS "errorCode", next_attempt_at AS "nextAttemptAt"
           FROM webhook_attempts
           WHERE endpoint_id = $1 AND number < $2 AND ($3::text IS NULL OR outcome = $3) AND ($4::uuid IS NULL OR event_id = $4)
           ORDER BY number DESC LIMIT $5`,
  },
  undelivered: {
    name: 'webhook-attempts-undelivered',
    text: `SELECT id, type, provider, details, position::float8 AS position FROM events
           WHERE position > $2 AND occurred_at >= $3 AND NOT EXISTS (
             SELECT FROM webhook_attempts WHERE endpoint_id = $1 AND event_id = events.id AND outcome = 'delivered')
           ORDER BY position LIMIT $4`,
  },
  purge: {
    name: 'webhook-attempts-purge',
    text: `DELETE FROM webhook_attempts WHERE number IN (
             SELECT number FROM webhook_attempts WHERE attempted_at < now() - $1::float8 * interval '1 millisecond'
             ORDER BY attempted_at LIMIT $2)
           RETURNING number`,
  },
} satisfies Record<string, Statement>;

/** An event that an endpoint has not received, if it wants it. */
export interface UndeliveredEvent {
  readonly id: string;
  readonly type: EventType;
  readonly provider: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly position: number;
}

/** The table of attempts. */
@Injectable()
export class AttemptStore {
  constructor(private readonly database: Database) {}

  /** Adds attempts, in a transaction. */
  async insert(query: Query, attempts: readonly Attempt[]): Promise<void> {
    const column = <Key extends keyof Attempt>(key: Key): Attempt[Key][] => attempts.map((attempt) => attempt[key]);
    await query(statements.insert, [
      column('endpointId'),
      column('eventId'),
      column('eventType'),
      column('attempt'),
      column('attemptedAt'),
      column('durationMs'),
      column('outcome'),
      column('httpStatus'),
      column('errorCode'),
      column('nextAttemptAt'),
    ]);
  }

  /**
   * Returns attempts of an endpoint, newest first.
   *
   * @param before - the number of the last attempt of the page before
   */
  page(
    endpointId: string,
    filter: { readonly outcome?: string | undefined; readonly eventId?: string | undefined },
    before: number,
    limit: number,
  ): Promise<StoredAttempt[]> {
    const values = [endpointId, before, filter.outcome ?? null, filter.eventId ?? null, limit];
    return this.database.query<StoredAttempt>(statements.page, values);
  }

  /**
   * Returns events since an instant that an endpoint has not received, in the order of the stream, after a place in it.
   */
  listUndelivered(endpointId: string, after: number, since: Date, limit: number): Promise<UndeliveredEvent[]> {
    return this.database.query<UndeliveredEvent>(statements.undelivered, [endpointId, after, since, limit]);
  }

  /** Deletes older attempts. Returns their number, at most `limit`. */
  async purge(olderThanMs: number, limit: number): Promise<number> {
    return (await this.database.query(statements.purge, [olderThanMs, limit])).length;
  }
}
