import { Logger } from '@nestjs/common';
import type { Database, Statement } from '../database/database.js';
import { AppError } from '../errors/app-error.js';
import { RateStorage, type CountedCall } from './rate-storage.js';

/** Interval at which ended windows are deleted. */
const purgeIntervalMs = 60_000;

const statements = {
  count: {
    name: 'rate-limits-count',
    text: `INSERT INTO rate_limits AS old (key, hits, ends_at) VALUES ($1, 1, now() + $2 * interval '1 millisecond')
           ON CONFLICT (key) DO UPDATE SET
             hits = CASE WHEN old.ends_at <= now() THEN 1 ELSE old.hits + 1 END,
             ends_at = CASE WHEN old.ends_at <= now() THEN excluded.ends_at ELSE old.ends_at END
           RETURNING hits, (extract(epoch FROM ends_at - now()) * 1000)::float8 AS "remainingMs"`,
  },
  purge: {
    name: 'rate-limits-purge',
    text: 'DELETE FROM rate_limits WHERE ends_at <= now()',
  },
} satisfies Record<string, Statement>;

/** Counts calls across all processes. A call that is counted costs a write. */
export class DatabaseRateStorage extends RateStorage {
  private readonly logger = new Logger(DatabaseRateStorage.name);
  private purgedAt = performance.now();

  constructor(private readonly database: Database) {
    super();
  }

  override async count(key: string, windowMs: number): Promise<CountedCall> {
    this.purgeNowAndThen();
    const [row] = await this.database.query<CountedCall>(statements.count, [key, windowMs]);
    if (row === undefined) {
      throw new Error('The call could not be counted.');
    }
    return row;
  }

  private purgeNowAndThen(): void {
    if (performance.now() - this.purgedAt < purgeIntervalMs) {
      return;
    }
    this.purgedAt = performance.now();
    this.database.query(statements.purge).catch((error: unknown) => {
      this.logger.warn(
        `Old rate limits could not be deleted: ${error instanceof AppError ? error.code : 'INTERNAL_ERROR'}.`,
      );
    });
  }
}
