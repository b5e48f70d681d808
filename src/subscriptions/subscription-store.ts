import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

/**
 * State at the last check:
 * - `pending`: not checked yet.
 * - `active`: all exist.
 * - `failed`: the provider refuses some, or did not respond.
 * - `blocked`: the app can have one subscription, and it sends elsewhere.
 * - `not_configured`: a setting is missing.
 */
export type SubscriptionState = 'pending' | 'active' | 'failed' | 'blocked' | 'not_configured';

/** Subscriptions that are due for a check. */
export interface DueSubscription {
  readonly id: string;
  readonly provider: string;
  /** `null`: of the app. */
  readonly userId: string | null;
  readonly failures: number;
  readonly sealed: Buffer | null;
}

/** The result of a check. */
export interface CheckedSubscription {
  readonly state: SubscriptionState;
  readonly wanted: number;
  readonly active: number;
  readonly errorCode: string | null;
  readonly expiresAt: Date | null;
  /** The provider's id of the one that the app can have. */
  readonly onlyId: string | null;
}

/** Subscriptions of one provider that are in the same state. */
export interface SubscriptionSummary {
  readonly provider: string;
  readonly scope: 'app' | 'user';
  readonly state: SubscriptionState;
  readonly errorCode: string | null;
  /** Apps or users. */
  readonly count: number;
  readonly wanted: number;
  readonly active: number;
  /** The oldest check; `null` if one was never checked. */
  readonly checkedAt: Date | null;
  /** The first expiry. */
  readonly expiresAt: Date | null;
}

/** The subscriptions of a user, for exports. */
export interface SubscriptionFacts {
  readonly provider: string;
  readonly state: SubscriptionState;
  readonly active: number;
  readonly errorCode: string | null;
  readonly checkedAt: Date | null;
}

/** A check that has not ended after this was lost with its process, in milliseconds. Oura alone takes 51 calls. */
const leaseMs = 600_000;

const milliseconds = (parameter: string): string => `${parameter}::float8 * interval '1 millisecond'`;

const statements = {
  addOfApps: {
    name: 'subscriptions-add-of-apps',
    text: `INSERT INTO subscriptions (id, provider) SELECT gen_random_uuid(), provider FROM unnest($1::text[]) AS provider
           ON CONFLICT (provider) WHERE user_id IS NULL DO UPDATE SET due_at = least(subscriptions.due_at, now())`,
  },
  addOfUsers: {
    name: 'subscriptions-add-of-users',
    text: `WITH page AS (
             SELECT user_id, provider FROM connections
             WHERE provider = $1 AND status = 'active' AND user_id > $2 ORDER BY user_id LIMIT $3
           ), added AS (
             INSERT INTO subscriptions (id, user_id, provider) SELECT gen_random_uuid(), user_id, provider FROM page
             ON CONFLICT (user_id, provider) DO NOTHING
           )
           SELECT max(user_id) AS last FROM page`,
  },
  follow: {
    name: 'subscriptions-follow',
    text: `WITH seen AS (
             SELECT position FROM event_cursors WHERE name = 'subscriptions' FOR UPDATE SKIP LOCKED
           ), stream AS (
             SELECT position FROM event_cursors WHERE name = 'stream'
           ), linked AS (
             SELECT DISTINCT events.user_id, events.provider FROM seen, stream, events
             WHERE events.position > seen.position AND events.position <= stream.position
               AND events.provider = ANY ($1) AND events.type = ANY ($2)
           ), moved AS (
             UPDATE event_cursors SET position = stream.position FROM seen, stream
             WHERE event_cursors.name = 'subscriptions' AND stream.position > seen.position
           )
           INSERT INTO subscriptions (id, user_id, provider)
           SELECT gen_random_uuid(), user_id, provider FROM linked JOIN connections USING (user_id, provider)
           WHERE connections.status = 'active'
           ON CONFLICT (user_id, provider) DO UPDATE SET due_at = now(), failures = 0, checked_at = NULL`,
  },
  takeDue: {
    name: 'subscriptions-take-due',
    // Unchecked subscriptions first: a new link waits for no daily check.
    text: `UPDATE subscriptions SET due_at = now() + ${milliseconds('$2')} WHERE id IN (
             SELECT id FROM subscriptions WHERE due_at <= now() AND provider = ANY ($3) ORDER BY checked_at IS NOT NULL, due_at
             LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING id, provider, user_id AS "userId", failures, sealed`,
  },
  finish: {
    name: 'subscriptions-finish',
    text: `UPDATE subscriptions SET state = $2, wanted = $3, active = $4, error_code = $5, expires_at = $6,
             failures = CASE WHEN $2 = 'failed' THEN failures + 1 ELSE 0 END, checked_at = now(),
             only_id = CASE WHEN $2 = 'failed' THEN only_id ELSE $8 END, due_at = now() + ${milliseconds('$7')}
           WHERE id = $1`,
  },
  postpone: {
    name: 'subscriptions-postpone',
    text: `UPDATE subscriptions SET due_at = now() + ${milliseconds('$2')} WHERE id = $1`,
  },
  remove: { name: 'subscriptions-remove', text: 'DELETE FROM subscriptions WHERE id = $1' },
  keepSecret: { name: 'subscriptions-keep-secret', text: 'UPDATE subscriptions SET sealed = $2 WHERE id = $1' },
  secretOf: {
    name: 'subscriptions-secret-of',
    text: 'SELECT id, provider, sealed FROM subscriptions WHERE provider = $1 AND user_id IS NULL AND sealed IS NOT NULL',
  },
  onlyIdOf: {
    name: 'subscriptions-only-id-of',
    text: 'SELECT only_id AS "onlyId" FROM subscriptions WHERE provider = $1 AND user_id IS NULL',
  },
  recheck: {
    name: 'subscriptions-recheck',
    text: `UPDATE subscriptions SET due_at = now()
           WHERE provider = $1 AND user_id IS NULL AND state = 'active' AND due_at > now()
             AND checked_at < now() - ${milliseconds('$2')}`,
  },
  makeDue: {
    name: 'subscriptions-make-due',
    text: `UPDATE subscriptions SET due_at = least(due_at, now())
           WHERE provider = ANY ($1) AND (user_id IS NULL OR state <> 'active')`,
  },
  listOfUser: {
    name: 'subscriptions-list-of-user',
    text: `SELECT provider, state, active, error_code AS "errorCode", checked_at AS "checkedAt" FROM subscriptions
           WHERE user_id = $1 ORDER BY provider`,
  },
  summarize: {
    name: 'subscriptions-summarize',
    text: `SELECT provider, CASE WHEN user_id IS NULL THEN 'app' ELSE 'user' END AS scope, state, error_code AS "errorCode",
             count(*)::int AS count, sum(wanted)::int AS wanted, sum(active)::int AS active,
             CASE WHEN bool_and(checked_at IS NOT NULL) THEN min(checked_at) END AS "checkedAt", min(expires_at) AS "expiresAt"
           FROM subscriptions GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
  },
} satisfies Record<string, Statement>;

/** Events after which a user's subscriptions may be missing. */
const followedTypes = [
  'connection.linked',
  'connection.relinked',
  'connection.recovered',
  'connection.scopes_changed',
] as const;

/** The table of subscriptions. */
@Injectable()
export class SubscriptionStore {
  constructor(private readonly database: Database) {}

  /** Adds the rows of apps, and makes existing ones due: the settings may have changed. */
  async addOfApps(providers: readonly string[]): Promise<void> {
    await this.database.query(statements.addOfApps, [providers]);
  }

  /**
   * Adds the rows of the next connected users of a provider, in the order of their ids, unless they have one.
   *
   * @returns the last of these users; `null` behind the end
   */
  async addOfUsers(provider: string, after: string, limit: number): Promise<string | null> {
    const [page] = await this.database.query<{ last: string | null }>(statements.addOfUsers, [provider, after, limit]);
    return page?.last ?? null;
  }

  /** Adds the rows of users who have linked since the last call, by the stream of events. */
  async follow(providers: readonly string[]): Promise<void> {
    await this.database.query(statements.follow, [providers, followedTypes]);
  }

  /** Takes due rows of these providers. Each goes to one process until its lease ends. */
  takeDue(limit: number, providers: readonly string[]): Promise<DueSubscription[]> {
    return this.database.query<DueSubscription>(statements.takeDue, [limit, leaseMs, providers]);
  }

  /** Records the result of a check, and when the next one is due. */
  async finish({ id }: DueSubscription, found: CheckedSubscription, nextInMs: number): Promise<void> {
    const { state, wanted, active, errorCode, expiresAt, onlyId } = found;
    await this.database.query(statements.finish, [id, state, wanted, active, errorCode, expiresAt, nextInMs, onlyId]);
  }

  /** Makes a row due later, because no check was possible now. */
  async postpone({ id }: DueSubscription, waitMs: number): Promise<void> {
    await this.database.query(statements.postpone, [id, waitMs]);
  }

  /** Removes a row whose connection has ended. */
  async remove({ id }: DueSubscription): Promise<void> {
    await this.database.query(statements.remove, [id]);
  }

  /** Stores the secret of the proofs, sealed. */
  async keepSecret({ id }: Pick<DueSubscription, 'id'>, sealed: Buffer): Promise<void> {
    await this.database.query(statements.keepSecret, [id, sealed]);
  }

  /** Returns the sealed secret that a provider has chosen for this app. */
  async secretOf(provider: string): Promise<{ id: string; provider: string; sealed: Buffer } | undefined> {
    type Row = { id: string; provider: string; sealed: Buffer };
    return (await this.database.query<Row>(statements.secretOf, [provider]))[0];
  }

  /** Returns the provider's id of the one subscription of this app, as of the last check. */
  async onlyIdOf(provider: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ onlyId: string | null }>(statements.onlyIdOf, [provider]);
    return row?.onlyId ?? undefined;
  }

  /** Makes the active subscription of an app due, unless it was checked within the last milliseconds. */
  async recheck(provider: string, unlessWithinMs: number): Promise<void> {
    await this.database.query(statements.recheck, [provider, unlessWithinMs]);
  }

  /** Makes apps due, and users whose subscriptions are not active. */
  async makeDue(providers: readonly string[]): Promise<void> {
    await this.database.query(statements.makeDue, [providers]);
  }

  /** Returns the subscriptions of a user. */
  listOfUser(userId: string): Promise<SubscriptionFacts[]> {
    return this.database.query<SubscriptionFacts>(statements.listOfUser, [userId]);
  }

  /** Counts the rows by provider and state. */
  summarize(): Promise<SubscriptionSummary[]> {
    return this.database.query<SubscriptionSummary>(statements.summarize);
  }
}
