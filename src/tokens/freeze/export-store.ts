import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { connectionColumns, type Connection, type ConnectionKey } from '../store/connection.js';
import { inScope, scopeValues, type FreezeScope } from './freeze-store.js';

/** The connections of a scope, before an export. */
export interface ExportCounts {
  /** Active connections with tokens. */
  readonly active: number;
  /** Of these, those that are not frozen. */
  readonly notFrozen: number;
  /** Of these, those with a refresh in flight. */
  readonly inFlight: number;
  /** Connections that have ended: they have no tokens that work. */
  readonly ended: number;
}

const isActive = `status = 'active' AND sealed IS NOT NULL`;

const statements = {
  count: {
    name: 'exports-count',
    text: `SELECT count(*) FILTER (WHERE ${isActive})::int AS active,
             count(*) FILTER (WHERE ${isActive} AND frozen_at IS NULL)::int AS "notFrozen",
             count(*) FILTER (WHERE ${isActive} AND leased_until > now())::int AS "inFlight",
             count(*) FILTER (WHERE NOT (${isActive}))::int AS ended
           FROM connections WHERE ${inScope}`,
  },
  page: {
    name: 'exports-page',
    text: `SELECT ${connectionColumns} FROM connections
           WHERE ${inScope} AND ${isActive} AND ($6 OR frozen_at IS NOT NULL) AND (user_id, provider) > ($3, $4)
           ORDER BY user_id, provider LIMIT $5`,
  },
  mark: {
    name: 'exports-mark',
    text: `UPDATE connections SET exported_at = now()
           FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[]) AS row (user_id, provider, id, secret_gen)
           WHERE connections.user_id = row.user_id AND connections.provider = row.provider AND connections.id = row.id
             AND connections.secret_gen = row.secret_gen AND frozen_at IS NOT NULL
             AND (leased_until IS NULL OR leased_until <= now())
           RETURNING connections.id`,
  },
} satisfies Record<string, Statement>;

/** Reads connections for an export, in the order of their keys. */
@Injectable()
export class ExportStore {
  constructor(private readonly database: Database) {}

  async count(scope: FreezeScope): Promise<ExportCounts> {
    const [counts] = await this.database.query<ExportCounts>(statements.count, scopeValues(scope));
    return counts ?? { active: 0, notFrozen: 0, inFlight: 0, ended: 0 };
  }

  /** Returns the next active connections; only frozen ones, unless it is for a copy. */
  page(
    { isCopy, ...scope }: FreezeScope & { readonly isCopy: boolean },
    after: Pick<Connection, 'userId' | 'provider'>,
    limit: number,
  ): Promise<Connection[]> {
    const values = [...scopeValues(scope), after.userId, after.provider, limit, isCopy];
    return this.database.query<Connection>(statements.page, values);
  }

  /** Marks frozen connections as exported. Returns the ids of those that still hold the tokens that were read. */
  async markExported(keys: readonly ConnectionKey[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ id: string }>(statements.mark, [
      keys.map(({ userId }) => userId),
      keys.map(({ provider }) => provider),
      keys.map(({ id }) => id),
      keys.map(({ secretGen }) => secretGen),
    ]);
    return new Set(rows.map(({ id }) => id));
  }
}
