import type { Statement } from './database.js';

/** A batch of rows for one statement. Each field is SQL. */
export interface RowBatch {
  readonly table: string;
  /** Columns of the primary key. */
  readonly key: string;
  /** Which rows are due. The change must make it false. */
  readonly condition: string;
  readonly order?: string;
  /** Most rows. */
  readonly limit: string;
}

/**
 * Builds the statement that changes a batch of due rows. Processes that run it at once change each row once.
 *
 * One server skips rows that another process has locked, so no process waits with locks that others want. Citus cannot
 * lock rows of several servers in a query. There all processes find the same rows, and one change waits for the other.
 * The condition is checked again after the wait, so the second change leaves those rows out.
 *
 * @param name - of the statement
 * @param changeOf - returns the statement for a condition that selects the rows of the batch
 */
export function changeBatch(
  name: string,
  { table, key, condition, order, limit }: RowBatch,
  changeOf: (isInBatch: string) => string,
): Statement {
  const ordered = order === undefined ? '' : `ORDER BY ${order}`;
  const due = `SELECT ${key} FROM ${table} WHERE ${condition} ${ordered} LIMIT ${limit}`;
  return {
    name,
    text: changeOf(`(${key}) IN (${due} FOR UPDATE SKIP LOCKED)`),
    distributedText: changeOf(`(${key}) IN (${due}) AND ${condition}`),
  };
}
