import { isNativeError } from 'node:util/types';
import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { DatabaseUnavailableError } from '../errors/request.errors.js';

/** A statement with a name, prepared once per connection. Two statements must not share a name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** SQLSTATE classes that mean "not now": connection lost, resources gone, server shutting down or starting. */
const unavailableStates = /^(08|53|57P|57014|25006)/;

/** Statements against PostgreSQL on the pool of the DataSource; the only way our code talks to the database. */
@Injectable()
export class Database {
  private unavailableAtMs = -Infinity;

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Milliseconds since a statement of this process last met a database that was away, or since an absence that {@link
   * noteAbsence} told of; negative while that lasts, `Infinity` where there was none.
   */
  get reachableForMs(): number {
    return performance.now() - this.unavailableAtMs;
  }

  /**
   * Counts the database as one that is away for so many milliseconds from now: nobody can tell what has happened
   * meanwhile.
   */
  noteAbsence(forMs = 0): void {
    this.unavailableAtMs = Math.max(this.unavailableAtMs, performance.now() + forMs);
  }

  /**
   * Runs one statement in its own transaction.
   *
   * @param statement - text with `$1 ...` and a unique name
   * @param values - one for each placeholder
   * @returns the rows; `Row` is what the statement selects, unchecked
   * @throws {@link DatabaseUnavailableError} when PostgreSQL cannot be reached or cannot work now; the statement may
   *   have run
   */
  async query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      const result = await this.pool().query<Row>({ ...statement, values: [...values] });
      return result.rows;
    } catch (error) {
      if (isUnavailable(error)) {
        this.noteAbsence();
        throw new DatabaseUnavailableError(
          'The database cannot be reached at the moment. Nothing was changed. Try again.',
          {
            detail: isNativeError(error) ? error.message : undefined,
            retryAfterSeconds: 5,
          },
        );
      }
      throw error;
    }
  }

  /** The pool that TypeORM opened, so that there is one limit for all connections of this process. */
  private pool(): pg.Pool {
    return (this.dataSource.driver as unknown as { master: pg.Pool }).master;
  }
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
