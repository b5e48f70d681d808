import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { changeBatch } from '../../database/batch-of-rows.js';
import { Database, type Statement } from '../../database/database.js';
import { announce, typesOf, withEvents } from '../../events/event-statement.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { byRefresh } from '../store/connection-events.js';
import type { EndReason } from '../store/connection.js';
import type { ConnectionKey } from '../store/connection.js';
import { RefreshRecorder } from '../refresh/refresh-recorder.js';
import { retiringConnections } from '../tokens.metrics.js';

/** Most rows that one statement changes, so that no statement holds locks for long. */
const maxRows = 500;
/** How often the table is checked, in milliseconds. The reported state of a connection does not wait for it. */
const pauseMs = 60_000;

const ended = `status = 'needs_relink', ended_at = now(), refresh_due_at = NULL, account_due_at = NULL,
  ${announce(typesOf('connection.needs_relink'))}`;
const fields = { origin: byRefresh, reason: 'end_reason' };
const key = `user_id AS "userId", provider, id, secret_gen AS "secretGen"`;

const endExpired = changeBatch(
  'connections-end-expired',
  {
    table: 'connections',
    key: 'user_id, provider',
    condition: `status = 'active' AND NOT refreshable AND expires_at <= $1`,
    order: 'expires_at',
    limit: '$2',
  },
  (isInBatch) =>
    withEvents(`UPDATE connections SET ${ended}, end_reason = 'no_refresh_token' WHERE ${isInBatch}`, fields, key),
);
const endRetired = changeBatch(
  'connections-end-retired',
  {
    table: 'connections',
    key: 'user_id, provider',
    // A grant that was exchanged for one of the successor in time still has to find its connection.
    condition: `provider = ANY ($1) AND status = 'active' AND NOT EXISTS (
      SELECT FROM grant_migrations AS migration
      WHERE migration.user_id = connections.user_id AND migration.provider = connections.provider
        AND migration.state <> 'ready')`,
    limit: '$2',
  },
  (isInBatch) =>
    withEvents(`UPDATE connections SET ${ended}, end_reason = 'provider_retired' WHERE ${isInBatch}`, fields, key),
);
const countRetiring: Statement = {
  name: 'connections-count-retiring',
  text: `SELECT slug AS provider, coalesce(connections, 0) AS connections FROM unnest($1::text[]) AS slug
         LEFT JOIN (
           SELECT provider, count(*)::int AS connections FROM connections
           WHERE provider = ANY ($1) AND status = 'active' GROUP BY provider) AS counted ON provider = slug`,
};

/**
 * Ends connections that nothing else would end: those with an expired access token and no refresh token, and those of
 * providers that have shut down. Also counts the connections left at providers that will shut down.
 */
@Injectable()
export class ConnectionEndings {
  constructor(
    private readonly database: Database,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly recorder: RefreshRecorder,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: ConnectionEndings.name, run: () => this.sweep() });
  }

  /**
   * Ends a batch of such connections, and counts the rest.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const providers = this.registry.list();
    const retired = providers.filter((provider) => this.lifecycle.isRetired(provider));
    const expired = await this.end('no_refresh_token', endExpired, [this.clock.now(), maxRows]);
    const gone = await this.end('provider_retired', endRetired, [slugsOf(retired), maxRows]);
    if (expired === maxRows || gone === maxRows) {
      return 0;
    }
    await this.count(providers.filter((provider) => isEnding(provider) && !retired.includes(provider)));
    return pauseMs;
  }

  private async end(reason: EndReason, statement: Statement, values: readonly unknown[]): Promise<number> {
    const rows = await this.database.query<ConnectionKey>(statement, values);
    await Promise.all(rows.map((row) => this.recorder.recordEnd(row, reason)));
    return rows.length;
  }

  private async count(ending: readonly HealthProvider[]): Promise<void> {
    const rows = await this.database.query<{ provider: string; connections: number }>(countRetiring, [slugsOf(ending)]);
    retiringConnections.reset();
    for (const { provider, connections } of rows) {
      retiringConnections.set({ provider }, connections);
    }
  }
}

function isEnding({ definition, settings }: HealthProvider): boolean {
  return definition.lifecycle.status !== 'live' && settings.mode !== 'not-configured';
}

function slugsOf(providers: readonly HealthProvider[]): string[] {
  return providers.map(({ definition }) => definition.slug);
}
