import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { changeBatch } from '../database/batch-of-rows.js';
import { Database, type Statement } from '../database/database.js';
import type { NotificationKind } from '../provider-kit/definition/notifications.js';

/** How long a repeated proven end is recognized, in milliseconds: longer than any provider repeats it. */
const retentionMs = 8 * 86_400_000;
/** An event that ends nothing may happen again. Within this time, in milliseconds, a second one is a repetition. */
const repeatableAfterMs = 600_000;
/** How long a process may work on an event before another one takes it, in milliseconds. */
const leaseMs = 30_000;
/** Most unproven events that wait at a time, for each provider. More are dropped: they only start checks. */
const maxUnproven = 1_000;

/** One event of a notification, ready to be stored. */
export interface ArrivedEvent {
  readonly kind: NotificationKind;
  /** Keyed digests of the account, as connections have them. */
  readonly accountDigest: Buffer;
  readonly dataType: string | undefined;
  readonly occurredAt: Date | undefined;
  readonly eventId: string | undefined;
  readonly isProven: boolean;
  readonly isHint: boolean;
  readonly tokenFingerprint: string | undefined;
}

/** A stored event that is due. */
export interface DueEvent {
  readonly userId: string;
  readonly provider: string;
  readonly digest: Buffer;
  readonly kind: NotificationKind;
  readonly dataType: string | null;
  readonly occurredAt: Date | null;
  readonly isProven: boolean;
  readonly isHint: boolean;
  readonly tokenFingerprint: string | null;
}

/** The stored facts of a user's event, for exports. */
export interface NotificationFacts {
  readonly provider: string;
  readonly kind: NotificationKind;
  readonly dataType: string | null;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  readonly outcome: string | null;
}

/** The outcome of one event: stored, already known, or of no connection. */
export interface Arrival {
  readonly kind: NotificationKind;
  readonly outcome: 'stored' | 'repeated' | 'unknown_account';
}

const milliseconds = (parameter: string): string => `${parameter}::float8 * interval '1 millisecond'`;

const statements = {
  add: {
    name: 'notifications-add',
    text: `WITH arrived AS (
             SELECT * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::boolean[], $8::boolean[], $9::text[])
               WITH ORDINALITY AS each (account, kind, data_type, occurred_at, digest, proven, hint, token_fingerprint, number)
           ), matched AS (
             SELECT arrived.*, connections.user_id FROM arrived JOIN connections
               ON connections.account_digest = arrived.account AND connections.provider = $1 AND connections.status = 'active'
           ), added AS (
             INSERT INTO notifications (user_id, provider, digest, kind, data_type, occurred_at, proven, hint, token_fingerprint,
               received_at, due_at, repeatable_at)
             SELECT user_id, $1, digest, kind, data_type, occurred_at, proven, hint, token_fingerprint, now(), now(),
               now() + CASE WHEN proven AND NOT hint AND kind <> 'data' THEN ${milliseconds('$12')} ELSE ${milliseconds('$10')} END
             FROM matched
             WHERE proven OR kind = 'data' OR (SELECT count(*) FROM (
               SELECT digest FROM notifications AS waiting WHERE waiting.provider = $1 AND waiting.due_at IS NOT NULL AND NOT waiting.proven
                 AND waiting.kind <> 'data' LIMIT $11) AS unproven) < $11
             ON CONFLICT (user_id, provider, digest) DO UPDATE SET repeatable_at = excluded.repeatable_at,
               due_at = excluded.due_at, received_at = excluded.received_at, done_at = NULL, outcome = NULL
               WHERE notifications.repeatable_at <= excluded.received_at AND notifications.due_at IS NULL
             RETURNING digest
           )
           SELECT number::int AS number,
             CASE WHEN EXISTS (SELECT FROM added WHERE added.digest = arrived.digest) THEN 'stored'
               WHEN EXISTS (SELECT FROM matched WHERE matched.number = arrived.number) THEN 'repeated'
               ELSE 'unknown_account' END AS outcome
           FROM arrived ORDER BY number`,
  },
  finish: {
    name: 'notifications-finish',
    text: `UPDATE notifications SET due_at = NULL, done_at = now(), outcome = $4 WHERE user_id = $1 AND provider = $2 AND digest = $3`,
  },
  postpone: {
    name: 'notifications-postpone',
    text: `UPDATE notifications SET due_at = now() + ${milliseconds('$4')} WHERE user_id = $1 AND provider = $2 AND digest = $3`,
  },
  countChecks: {
    name: 'notifications-count-checks',
    text: `SELECT count(*) FILTER (WHERE user_id = $1)::int AS "ofConnection", count(*)::int AS "ofProvider"
           FROM notifications WHERE provider = $2 AND outcome = 'checked' AND done_at > now() - ${milliseconds('$3')}`,
  },
  listOfUser: {
    name: 'notifications-list-of-user',
    text: `SELECT provider, kind, data_type AS "dataType", occurred_at AS "occurredAt", received_at AS "receivedAt", outcome
           FROM notifications WHERE user_id = $1 ORDER BY received_at`,
  },
} satisfies Record<string, Statement>;

const takeDue = changeBatch(
  'notifications-take-due',
  {
    table: 'notifications',
    key: 'user_id, provider, digest',
    condition: 'due_at <= now()',
    order: 'due_at',
    limit: '$1',
  },
  (isInBatch) =>
    `UPDATE notifications SET due_at = now() + ${milliseconds('$2')} WHERE ${isInBatch}
     RETURNING user_id AS "userId", provider, digest, kind, data_type AS "dataType", occurred_at AS "occurredAt",
       proven AS "isProven", hint AS "isHint", token_fingerprint AS "tokenFingerprint"`,
);

const purge = changeBatch(
  'notifications-purge',
  {
    table: 'notifications',
    key: 'user_id, provider, digest',
    condition: 'repeatable_at < now() AND due_at IS NULL',
    limit: '1000',
  },
  (isInBatch) => `DELETE FROM notifications WHERE ${isInBatch}`,
);

/** The table of notified events. */
@Injectable()
export class NotificationStore {
  constructor(private readonly database: Database) {}

  /**
   * Stores the events that concern an active connection and are not known yet.
   *
   * @param provider - slug
   * @param events - of one request
   * @returns the outcome of each, in order; an event that the request has twice counts once
   * @throws {@link DatabaseUnavailableError} when nothing was stored
   */
  async add(provider: string, events: readonly ArrivedEvent[]): Promise<Arrival[]> {
    const distinct = [...new Map(events.map((event) => [digestOf(event).toString('base64'), event])).values()];
    if (distinct.length === 0) {
      return [];
    }
    const rows = await this.database.query<{ number: number; outcome: Arrival['outcome'] }>(statements.add, [
      provider,
      distinct.map(({ accountDigest }) => accountDigest),
      distinct.map(({ kind }) => kind),
      distinct.map(({ dataType }) => dataType ?? null),
      distinct.map(({ occurredAt }) => occurredAt ?? null),
      distinct.map(digestOf),
      distinct.map(({ isProven }) => isProven),
      distinct.map(({ isHint }) => isHint),
      distinct.map(({ tokenFingerprint }) => tokenFingerprint ?? null),
      repeatableAfterMs,
      maxUnproven,
      retentionMs,
    ]);
    return rows.flatMap(({ number, outcome }) => {
      const event = distinct[number - 1];
      return event === undefined ? [] : [{ kind: event.kind, outcome }];
    });
  }

  /** Takes due events for the length of a lease. */
  takeDue(limit: number): Promise<DueEvent[]> {
    return this.database.query<DueEvent>(takeDue, [limit, leaseMs]);
  }

  /** Records the outcome of an event. */
  async finish({ userId, provider, digest }: DueEvent, outcome: string): Promise<void> {
    await this.database.query(statements.finish, [userId, provider, digest, outcome]);
  }

  /** Makes an event due again later. */
  async postpone({ userId, provider, digest }: DueEvent, waitMs: number): Promise<void> {
    await this.database.query(statements.postpone, [userId, provider, digest, waitMs]);
  }

  /** Counts the checks that notifications have started within the last milliseconds. */
  async countChecks(
    { userId, provider }: DueEvent,
    withinMs: number,
  ): Promise<{ ofConnection: number; ofProvider: number }> {
    type Counts = { ofConnection: number; ofProvider: number };
    const [row] = await this.database.query<Counts>(statements.countChecks, [userId, provider, withinMs]);
    return row ?? { ofConnection: 0, ofProvider: 0 };
  }

  /** Returns the events of a user that are still held, the oldest first. */
  listOfUser(userId: string): Promise<NotificationFacts[]> {
    return this.database.query<NotificationFacts>(statements.listOfUser, [userId]);
  }

  /** Deletes processed events that are not recognized any more. */
  async purge(): Promise<void> {
    await this.database.query(purge);
  }
}

/**
 * Digests an event, so that a repetition about the same account is recognized. The account's digest is keyed, so nobody
 * can guess values and compare.
 */
function digestOf(event: ArrivedEvent): Buffer {
  const { accountDigest, kind, dataType, occurredAt, eventId, isProven, tokenFingerprint } = event;
  const parts = [kind, dataType, occurredAt?.toISOString(), eventId, isProven, tokenFingerprint];
  return hash('sha256', `${accountDigest.toString('base64')} ${JSON.stringify(parts)}`, 'buffer');
}
