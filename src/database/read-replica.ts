import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import pg from 'pg';
import { Clock } from '../clock/clock.js';
import { readPoolOptions } from './data-source-options.js';
import { databaseConfig, type DatabaseConfig } from './database.config.js';
import { Database, runOn, type Query } from './database.js';
import { databaseReads } from './database.metrics.js';
import { ageUnknown, findForeignIdentity, findOldData, identify, look, type ReplicaState } from './replica-state.js';

/** How long the primary is used after a failure of the replica, in milliseconds. */
const retryMs = 10_000;

/** A result, and its greatest possible age. */
export interface ReadResult<Result> {
  readonly result: Result;
  /** Everything that was committed before this instant is in the result. */
  readonly asOf: Date;
  readonly isFromReplica: boolean;
}

/**
 * Reads for pages that may be some seconds old: lists over all users, counts, the audit trail. No decision about tokens
 * may depend on these reads.
 *
 * With `DATABASE_READ_URL` the rows come from that server, on connections that cannot write. If it is away, too old, or
 * a copy of another database, the rows come from the primary. That is safe because every page reads a bounded number of
 * rows. It is useful because operators need these pages most while something is broken.
 */
@Injectable()
export class ReadReplica implements OnModuleDestroy {
  private readonly logger = new Logger(ReadReplica.name);
  private readonly pool: pg.Pool | undefined;
  private readonly maxAgeMs: number;
  /** By the monotonic clock. */
  private awayUntilMs = -Infinity;
  /** Of the primary, as last read. */
  private identity: string | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(databaseConfig.KEY) { readUrl, readMaxAgeMs }: Pick<DatabaseConfig, 'readUrl' | 'readMaxAgeMs'>,
  ) {
    this.maxAgeMs = readMaxAgeMs;
    if (readUrl !== undefined) {
      this.pool = new pg.Pool(readPoolOptions(readUrl));
      // Without a listener, an idle connection that breaks would end the process. The next read notices it.
      this.pool.on('error', () => undefined);
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.pool?.end();
  }

  /**
   * Reads on the replica if there is one with fresh enough data, otherwise on the primary.
   *
   * @param run - gets a function that runs a statement; `run` may be called a second time, with the primary
   * @param primary - runs a statement on the primary, if not on the pool
   * @throws the error of `run` with the primary
   */
  async read<Result>(
    run: (query: Query) => Promise<Result>,
    primary: Query = (statement, values) => this.database.query(statement, values),
  ): Promise<ReadResult<Result>> {
    const { pool } = this;
    if (pool !== undefined && performance.now() >= this.awayUntilMs) {
      try {
        const asOf = await this.lookAt(pool, primary);
        const result = await run((statement, values = []) => runOn(pool, statement, values));
        databaseReads.inc({ server: 'replica' });
        return { result, asOf, isFromReplica: true };
      } catch (error) {
        this.awayUntilMs = performance.now() + retryMs;
        const reason = error instanceof Error ? error.message : 'unknown error';
        this.logger.warn(
          `The server of DATABASE_READ_URL is not used for ${retryMs / 1_000} s; lists are read from the primary. Reason: ${reason}`,
        );
      }
    }
    const asOf = this.clock.now();
    const result = await run(primary);
    databaseReads.inc({ server: 'primary' });
    return { result, asOf, isFromReplica: false };
  }

  /**
   * Returns the instant up to which the replica has every commit.
   *
   * @throws Error when the replica must not be used
   */
  private async lookAt(pool: pg.Pool, primary: Query): Promise<Date> {
    const [state] = await runOn<ReplicaState>(pool, look, []);
    if (state === undefined || state.asOf === null) {
      throw new Error(ageUnknown);
    }
    if (state.identity !== this.identity) {
      const [own] = await primary<{ identity: string }>(identify);
      this.identity = own?.identity;
    }
    const objection = findForeignIdentity(state, this.identity) ?? findOldData(state, this.maxAgeMs);
    if (objection !== undefined) {
      throw new Error(objection);
    }
    return state.asOf;
  }
}
