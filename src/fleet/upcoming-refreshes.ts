import { Injectable } from '@nestjs/common';
import { Database, type Query, type Statement } from '../database/database.js';

/** Length of a bucket and number of buckets: together the next hour. */
export const bucketMinutes = 5;
const buckets = 12;
/** Refreshes of one bucket and provider are counted up to here. */
export const countLimit = 10_000;

/** Refreshes that are coming at one provider. */
export interface UpcomingRefreshes {
  readonly provider: string;
  /** Due by now, up to {@link countLimit}. */
  readonly due: number;
  /** Seconds since the most overdue connection became due; `null` when none is due. */
  readonly overdueSeconds: number | null;
  /** In each of the next buckets, up to {@link countLimit} each. */
  readonly upcoming: readonly number[];
}

/** SQL: as many of the rows that fulfill a condition as are counted. */
const counted = (condition: string): string => `least(count(*) FILTER (WHERE ${condition}), ${countLimit})::int`;

/** SQL: whether the refresh is due in a bucket. */
const isIn = (bucket: number): string =>
  `refresh_due_at > now() + interval '${bucket * bucketMinutes} minutes'
     AND refresh_due_at <= now() + interval '${(bucket + 1) * bucketMinutes} minutes'`;

const read: Statement = {
  name: 'fleet-upcoming-refreshes',
  text: `SELECT slug AS provider,
           (SELECT count(*) FROM (
             SELECT FROM connections WHERE provider = slug AND frozen_at IS NULL AND refresh_due_at <= now() LIMIT ${countLimit}) AS due)::int AS due,
           (SELECT extract(epoch FROM now() - min(refresh_due_at)) FROM connections
             WHERE provider = slug AND frozen_at IS NULL AND refresh_due_at <= now())::float8 AS "overdueSeconds",
           ARRAY(SELECT (SELECT count(*) FROM (
               SELECT FROM connections
               WHERE provider = slug AND frozen_at IS NULL AND refresh_due_at > now() + bucket * interval '${bucketMinutes} minutes'
                 AND refresh_due_at <= now() + (bucket + 1) * interval '${bucketMinutes} minutes'
               LIMIT ${countLimit}) AS coming)::int
             FROM generate_series(0, ${buckets - 1}) AS bucket ORDER BY bucket) AS upcoming
         FROM unnest($1::text[]) AS slug ORDER BY slug`,
  // Citus cannot limit each count. Its servers count all rows of the hour, each its own and at the same time.
  distributedText: `SELECT slug AS provider, coalesce(due, 0) AS due, "overdueSeconds",
           coalesce(upcoming, array_fill(0, ARRAY[${buckets}])) AS upcoming
         FROM unnest($1::text[]) AS slug LEFT JOIN (
           SELECT provider, ${counted('refresh_due_at <= now()')} AS due,
             extract(epoch FROM now() - min(refresh_due_at) FILTER (WHERE refresh_due_at <= now()))::float8 AS "overdueSeconds",
             ARRAY[${Array.from({ length: buckets }, (_, bucket) => counted(isIn(bucket))).join(', ')}] AS upcoming
           FROM connections
           WHERE provider = ANY ($1) AND frozen_at IS NULL AND refresh_due_at <= now() + interval '${buckets * bucketMinutes} minutes'
           GROUP BY provider) AS each ON provider = slug
         ORDER BY slug`,
};

/** Counts the refreshes that the scheduler will start. */
@Injectable()
export class UpcomingRefreshesReader {
  constructor(private readonly database: Database) {}

  /**
   * Returns the refreshes of the next hour, by provider. Every count comes from an index alone, and is bounded.
   *
   * @param query - how to run a statement, such as on a read replica; on the primary if absent
   */
  read(
    providers: readonly string[],
    query: Query = (statement, values) => this.database.query(statement, values),
  ): Promise<UpcomingRefreshes[]> {
    return query<UpcomingRefreshes>(read, [providers]);
  }
}
