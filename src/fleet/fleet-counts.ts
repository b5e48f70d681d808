import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Database, type Query, type Statement } from '../database/database.js';
import { ReadReplica } from '../database/read-replica.js';
import { storedReason } from './fleet-columns.js';
import type { FleetCount } from './fleet-count.js';
import { observeCounts } from './fleet.metrics.js';

/** How often connections are counted, in milliseconds, unless counting takes long. */
const pauseMs = 60_000;
/** Counting takes at most this share of the time. */
const largestShare = 0.02;
/** Older counts mean that no worker runs. The reader then counts. */
const staleMs = 5 * 60_000;
/** How long this process uses counts that it has read, in milliseconds. */
const cacheMs = 10_000;
/** Hourly counts that are older are deleted. */
const keptDays = 35;

const statements = {
  // Totals are read from an index alone, reasons from the few rows that have one.
  count: {
    name: 'connection-counts-count',
    text: `WITH totals AS (
             SELECT provider, status, count(*) AS connections FROM connections GROUP BY provider, status
           ), reasons AS (
             SELECT provider, status, ${storedReason} AS reason, count(*) AS connections
             FROM connections WHERE ${storedReason} IS NOT NULL GROUP BY 1, 2, 3
           ), counted AS (
             SELECT provider, status, reason, connections FROM reasons
             UNION ALL
             SELECT provider, status, NULL, totals.connections - coalesce((
               SELECT sum(connections) FROM reasons
               WHERE reasons.provider = totals.provider AND reasons.status = totals.status), 0)
             FROM totals
           )
           SELECT coalesce(jsonb_agg(jsonb_build_object(
             'provider', provider, 'status', status, 'reason', reason, 'connections', connections)
             ORDER BY provider, status, reason) FILTER (WHERE connections > 0), '[]')::text AS counts
           FROM counted`,
  },
  store: {
    name: 'connection-counts-store',
    text: `INSERT INTO connection_counts (hour, counted_at, counts)
           SELECT date_trunc('hour', at, 'UTC'), at, $2::jsonb FROM (SELECT coalesce($1, now()) AS at) AS counted
           ON CONFLICT (hour) DO UPDATE SET counted_at = excluded.counted_at, counts = excluded.counts
           WHERE connection_counts.counted_at < excluded.counted_at`,
  },
  // Held by the process that counts, to the end of its transaction.
  lock: {
    name: 'connection-counts-lock',
    text: `SELECT pg_try_advisory_xact_lock(hashtext('connection_counts')) AS held`,
  },
  latest: {
    name: 'connection-counts-latest',
    text: `SELECT counted_at AS "countedAt", counts, (extract(epoch FROM now() - counted_at) * 1000)::float8 AS "ageMs"
           FROM connection_counts ORDER BY hour DESC LIMIT 1`,
  },
  since: {
    name: 'connection-counts-since',
    text: `SELECT counted_at AS "countedAt", counts FROM connection_counts
           WHERE hour > now() - $1::float8 * interval '1 hour' ORDER BY hour`,
  },
  purge: {
    name: 'connection-counts-purge',
    text: `DELETE FROM connection_counts WHERE hour < now() - interval '${keptDays} days'`,
  },
} satisfies Record<string, Statement>;

/**
 * The numbers of connections by provider, status and reason. A worker counts once a minute and keeps the last count of
 * each hour. All others read its counts, so that no caller waits for a scan of the table. With a read replica the
 * counting does not burden the primary.
 */
@Injectable()
export class FleetCounts {
  private cached: { readonly at: number; readonly count: Promise<FleetCount | undefined> } | undefined;

  constructor(
    private readonly database: Database,
    private readonly replica: ReadReplica,
    jobs: BackgroundJobs,
  ) {
    observeCounts(this);
    jobs.add('workers', { name: FleetCounts.name, run: () => this.sweep() });
  }

  /**
   * Counts, unless another process did a moment ago or does now, and deletes counts of long ago.
   *
   * @returns milliseconds until the next call
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const [latest] = await this.database.query<{ ageMs: number }>(statements.latest);
    if (latest !== undefined && latest.ageMs < pauseMs / 2) {
      return pauseMs - latest.ageMs;
    }
    const startedAt = performance.now();
    await this.count();
    await this.database.query(statements.purge);
    return Math.max(pauseMs, (performance.now() - startedAt) / largestShare);
  }

  /**
   * Returns the last count. It is at most a minute old while a worker runs, and at most five without one.
   *
   * @returns `undefined` while the first count is being made by another process
   * @throws {@link DatabaseUnavailableError}
   */
  latest(): Promise<FleetCount | undefined> {
    if (this.cached === undefined || performance.now() - this.cached.at > cacheMs) {
      const count = this.readLatest();
      this.cached = { at: performance.now(), count };
      count.catch(() => (this.cached = undefined));
    }
    return this.cached.count;
  }

  /** Returns the last count of each hour, the oldest first. */
  history(hours: number): Promise<FleetCount[]> {
    return this.database.query<FleetCount>(statements.since, [hours]);
  }

  private async readLatest(): Promise<FleetCount | undefined> {
    const [latest] = await this.database.query<FleetCount & { ageMs: number }>(statements.latest);
    if (latest !== undefined && latest.ageMs < staleMs) {
      return latest;
    }
    await this.count();
    const [counted] = await this.database.query<FleetCount>(statements.latest);
    return counted;
  }

  /** Does nothing while another process counts. */
  private async count(): Promise<void> {
    await this.database.transaction(async (query) => {
      const [lock] = await query<{ held: boolean }>(statements.lock);
      if (lock?.held === true) {
        const read = (from: Query): Promise<{ counts: string }[]> => from(statements.count);
        const { result, asOf, isFromReplica } = await this.replica.read(read, query);
        await query(statements.store, [isFromReplica ? asOf : null, result[0]?.counts]);
      }
    });
    this.cached = undefined;
  }
}
