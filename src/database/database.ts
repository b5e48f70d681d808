import { isNativeError } from 'node:util/types';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import { readIsDistributed, type ReadRows } from './distribution/is-distributed.js';
import { checkPooler } from './pooler-check.js';

/** A statement with a name, prepared once per connection. Two statements must not share a name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** The text where tables are distributed over several servers, if {@link text} cannot run there or asks them all. */
  readonly distributedText?: string;
}

/** SQLSTATE classes that mean "not now": connection lost, resources gone, server shutting down or starting. */
const unavailableStates = /^(08|53|57P|57014|25006)/;

/** Runs one statement and returns its rows, unchecked. */
export type Query = <Row extends object>(statement: Statement, values?: readonly unknown[]) => Promise<Row[]>;

/**
 * PostgreSQL's own choice between plans with and without the values. Citus needs the values to find the server of a row,
 * and refuses some statements without them.
 */
const planWithValues = 'plan_cache_mode=auto';

/** Statements against PostgreSQL on the pool of the DataSource; the only way our code talks to the database. */
@Injectable()
export class Database implements OnModuleInit {
  private unavailableAtMs = -Infinity;
  private hasDistributedTables = false;
  private isOutdated = false;

  constructor(private readonly dataSource: DataSource) {}

  /** @throws Error when a connection pooler loses named statements, because calls would fail under load */
  async onModuleInit(): Promise<void> {
    const pool = this.pool();
    const clients = await Promise.all(Array.from({ length: Math.min(2, pool.options.max ?? 2) }, () => pool.connect()));
    try {
      const [first, second] = clients;
      if (first !== undefined && second !== undefined) {
        await checkPooler(first, second);
      }
      this.hasDistributedTables = first !== undefined && (await readIsDistributed(rowsFrom(first)));
      if (this.hasDistributedTables) {
        pool.options.options = `-c ${planWithValues}`;
        await Promise.all(clients.map((client) => client.query(`SET ${planWithValues}`)));
      }
    } finally {
      clients.forEach((client) => client.release());
    }
  }

  /**
   * Checks that tables are still as they were when this process started. Afterwards it runs no statement on tables that
   * were distributed since: it would not guard accounts as they need it.
   *
   * @throws Error when they were distributed since
   */
  async checkDistribution(): Promise<void> {
    const isDistributed = await this.guard(() => readIsDistributed(rowsFrom(this.pool())));
    this.isOutdated = isDistributed !== this.hasDistributedTables;
    this.checkUpToDate();
  }

  private checkUpToDate(): void {
    if (this.isOutdated) {
      throw new Error('The tables were distributed after this process had started. Start it again.');
    }
  }

  /** Whether rows of different users may be on different servers, or in different partitions. */
  get isDistributed(): boolean {
    return this.hasDistributedTables;
  }

  /**
   * Milliseconds since the last absence of the database. An absence is a statement of this process that failed for it,
   * or one noted with {@link noteAbsence}. Negative while a noted absence lasts, `Infinity` without any.
   */
  get reachableForMs(): number {
    return performance.now() - this.unavailableAtMs;
  }

  /**
   * Counts the database as away for this many milliseconds from now: other processes may have changed rows in
   * between.
   */
  noteAbsence(forMs = 0): void {
    this.unavailableAtMs = Math.max(this.unavailableAtMs, performance.now() + forMs);
  }

  /**
   * Runs one statement in its own transaction.
   *
   * @param statement - text with `$1 ...` and a unique name
   * @param values - one for each placeholder
   * @returns the rows; `Row` has the selected columns, unchecked
   * @throws {@link DatabaseUnavailableError} when PostgreSQL cannot be reached or cannot work now; the statement may
   *   have run
   */
  async query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.guard(() => runOn<Row>(this.pool(), this.fit(statement), values));
  }

  /**
   * Runs several statements in one transaction, at READ COMMITTED: each sees the commits before its begin. Use it only
   * if one statement is not enough. Wait for nothing else inside, because it holds a pooled connection.
   *
   * @param run - gets a function that runs a statement in the transaction; if it throws, nothing is changed
   * @returns the result of `run`, committed
   * @throws {@link DatabaseUnavailableError} as {@link query} does; it is unknown whether a commit succeeded
   * @throws the error of `run`
   */
  async transaction<Result>(run: (query: Query) => Promise<Result>): Promise<Result> {
    return this.guard(async () => {
      const client = await this.pool().connect();
      try {
        await client.query('BEGIN');
        const result = await run((statement, values = []) => runOn(client, this.fit(statement), values));
        await client.query('COMMIT');
        client.release();
        return result;
      } catch (error) {
        // A connection whose state is unknown is closed, which also ends its transaction.
        const hasEnded = await client.query('ROLLBACK').then(
          () => true,
          () => false,
        );
        client.release(!hasEnded);
        throw error;
      }
    });
  }

  private fit(statement: Statement): Statement {
    const { name, distributedText } = statement;
    return this.hasDistributedTables && distributedText !== undefined ? { name, text: distributedText } : statement;
  }

  private async guard<Result>(work: () => Promise<Result>): Promise<Result> {
    this.checkUpToDate();
    try {
      return await work();
    } catch (error) {
      if (isUnavailable(error)) {
        this.noteAbsence();
        throw new DatabaseUnavailableError(
          'The database cannot be reached at the moment. The call may have been carried out. Try again.',
          {
            detail: isNativeError(error) ? error.message : undefined,
            retryAfterSeconds: 5,
          },
        );
      }
      throw error;
    }
  }

  /** Numbers of open and idle connections of the pool, and of statements that wait for one. */
  get connections(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    const { totalCount: open, idleCount: idle, waitingCount: waiting } = this.pool();
    return { open, idle, waiting };
  }

  /** The pool that TypeORM opened, so that there is one limit for all connections of this process. */
  private pool(): pg.Pool {
    return (this.dataSource.driver as unknown as { master: pg.Pool }).master;
  }
}

function rowsFrom(connection: Pick<pg.ClientBase, 'query'> | pg.Pool): ReadRows {
  return async (text) => (await connection.query<object>(text)).rows;
}

/** Runs a statement on a connection, or on one of a pool. The errors are those of the driver. */
export async function runOn<Row extends object>(
  connection: Pick<pg.ClientBase, 'query'> | pg.Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const { name, text } = statement;
  const result = (await connection.query<Row>({ name, text, values: [...values] })) as
    pg.QueryResult<Row> | readonly pg.QueryResult<Row>[];
  // A text of several statements without values has a result for each.
  return 'rows' in result ? result.rows : result.flatMap(({ rows }) => rows);
}

function isUnavailable(error: unknown): boolean {
  if (!isNativeError(error)) {
    return false;
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return (
    unavailableStates.test(code) ||
    /^E[A-Z]+$/.test(code) ||
    /terminated|timeout|Cannot use a pool|not queryable|Connection ended/i.test(error.message)
  );
}
