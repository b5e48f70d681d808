import { isNativeError } from 'node:util/types';
import type pg from 'pg';

/** The part of a `pg` connection that the check needs. */
export type PooledClient = Pick<pg.PoolClient, 'query'>;

const probe = { name: 'database-pooler-check', text: 'SELECT 1 AS ok' };

/**
 * SQLSTATE: a prepared statement that does not exist, or exists already. A pooler has changed the server's connection
 * in between.
 */
const lostStatements = new Set(['26000', '42P05']);

/** The remedy for a connection pooler that cannot keep named statements. */
export const poolerRemedy =
  'The connection pooler in front of PostgreSQL loses named prepared statements. PgBouncer needs version 1.21 or later (1.25 ' +
  'was tested) with max_prepared_statements = 200, or pool_mode = session (docs/scale.md).';

/** Tells whether an error of PostgreSQL comes from a pooler that loses named statements. */
export function isLostStatement(error: unknown): boolean {
  return isNativeError(error) && 'code' in error && lostStatements.has(String(error.code));
}

/**
 * Checks that a named statement survives when the pooler gives a client another connection of PostgreSQL. An idle
 * pooler always gives the same connection. So the second client holds that one in a transaction.
 *
 * @param first - a connection of the pool
 * @param second - another one
 * @throws Error with {@link poolerRemedy} when it does not survive; any other error of the database unchanged
 */
export async function checkPooler(first: PooledClient, second: PooledClient): Promise<void> {
  try {
    await first.query(probe);
    await second.query('BEGIN');
    try {
      await second.query(probe);
      await first.query(probe);
    } finally {
      await second.query('ROLLBACK');
    }
  } catch (error) {
    throw isLostStatement(error) ? new Error(poolerRemedy, { cause: error }) : error;
  }
}
