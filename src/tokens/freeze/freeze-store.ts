import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';

/** Which connections: of a provider, of a user, or of the one at the other. At least one is set. */
export interface FreezeScope {
  readonly provider?: string | undefined;
  readonly userId?: string | undefined;
}

/** The frozen connections of a provider. */
export interface FrozenCounts {
  readonly provider: string;
  readonly frozen: number;
  /** Refreshes and exchanges that have a lease. */
  readonly inFlight: number;
  /** Without a lease, and with an attempt of unknown outcome. */
  readonly inDoubt: number;
}

/** The changed rows of one page, and the last user of the page; `null` after the last page. */
interface Page {
  readonly last: string | null;
  readonly changed: number;
}

/** SQL: whether a row is in a scope that {@link scopeValues} gives as `$1` and `$2`. */
export const inScope = `($1::text IS NULL OR provider = $1) AND ($2::text IS NULL OR user_id = $2)`;

/**
 * Changes a page of rows in the order of their users. A user has a few connections, and a page holds them all. One
 * server locks the rows in that order first. Citus cannot lock rows of several servers in a query.
 */
function changePage(name: string, set: string, condition: string): Statement {
  const page = (change: string): string =>
    `WITH users AS (
       SELECT DISTINCT user_id FROM (
         SELECT user_id FROM connections WHERE ${inScope} AND user_id > $3 ORDER BY user_id LIMIT $4) AS page
     ), ${change}
     SELECT (SELECT max(user_id) FROM users) AS last, (SELECT count(*) FROM changed)::int AS changed`;
  return {
    name,
    text: page(
      `locked AS (
         SELECT user_id, provider FROM connections JOIN users USING (user_id)
         WHERE ${inScope} AND ${condition} ORDER BY user_id, provider FOR UPDATE OF connections
       ), changed AS (
         UPDATE connections SET ${set} FROM locked
         WHERE connections.user_id = locked.user_id AND connections.provider = locked.provider RETURNING 1
       )`,
    ),
    distributedText: page(
      `changed AS (
         UPDATE connections SET ${set}
         WHERE user_id IN (SELECT user_id FROM users) AND ${inScope} AND ${condition} RETURNING 1
       )`,
    ),
  };
}

const statements = {
  freeze: changePage('connections-freeze', 'frozen_at = now()', 'frozen_at IS NULL'),
  thaw: changePage(
    'connections-thaw',
    'frozen_at = NULL, exported_at = NULL',
    'frozen_at IS NOT NULL AND (exported_at IS NULL OR $5)',
  ),
  count: {
    name: 'connections-count-frozen',
    text: `SELECT provider, count(*)::int AS frozen,
             count(*) FILTER (WHERE leased_until > now() OR is_exchanging)::int AS "inFlight",
             count(*) FILTER (WHERE attempt_started_at IS NOT NULL AND (leased_until IS NULL OR leased_until <= now()))::int
               AS "inDoubt"
           FROM (SELECT connections.*, EXISTS (SELECT FROM grant_migrations AS migration
               WHERE migration.user_id = connections.user_id AND migration.provider = connections.provider
                 AND migration.leased_until > now()) AS is_exchanging
             FROM connections WHERE frozen_at IS NOT NULL AND ${inScope}) AS each
           GROUP BY provider`,
  },
} satisfies Record<string, Statement>;

/** Marks connections as frozen. */
@Injectable()
export class FreezeStore {
  constructor(private readonly database: Database) {}

  /** Freezes the next connections, in the order of their users. */
  freeze(scope: FreezeScope, after: string, limit: number): Promise<Page> {
    return this.change(statements.freeze, [...scopeValues(scope), after, limit]);
  }

  /** Ends the freeze of the next connections. */
  thaw(scope: FreezeScope, after: string, limit: number, evenExported: boolean): Promise<Page> {
    return this.change(statements.thaw, [...scopeValues(scope), after, limit, evenExported]);
  }

  /** Counts the frozen connections, by provider. */
  count(scope: FreezeScope = {}): Promise<FrozenCounts[]> {
    return this.database.query<FrozenCounts>(statements.count, scopeValues(scope));
  }

  private async change(statement: Statement, values: readonly unknown[]): Promise<Page> {
    const [page] = await this.database.query<Page>(statement, values);
    return page ?? { last: null, changed: 0 };
  }
}

/** The values of a scope for {@link inScope}. */
export function scopeValues({ provider, userId }: FreezeScope): (string | null)[] {
  return [provider ?? null, userId ?? null];
}
