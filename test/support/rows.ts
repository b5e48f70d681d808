import { queryDatabase } from './test-database.js';

/*
 * Changes of rows that several tests need and that no call can make. A test with a statement of its own uses
 * `queryDatabase`.
 */

/**
 * Lets time pass for rows: moves instants into the past.
 *
 * @param columns - the instants to move; an instant that is not set stays so
 * @param where - which rows; a column and its value each. All rows without it
 */
export async function passTimeInRows(
  databaseUrl: string,
  table: string,
  columns: readonly string[],
  seconds: number,
  where: Readonly<Record<string, string>> = {},
): Promise<void> {
  const moves = columns.map((column) => `${column} = ${column} - $1 * interval '1 second'`);
  await queryDatabase(
    databaseUrl,
    `UPDATE ${table} SET ${moves.join(', ')}
     WHERE true ${Object.keys(where)
       .map((column, at) => `AND ${column} = $${at + 2}`)
       .join(' ')}`,
    [seconds, ...Object.values(where)],
  );
}

/** Makes every pending revocation due, so that the outbox tries it at once. */
export async function makeRevocationsDue(databaseUrl: string): Promise<void> {
  await queryDatabase(databaseUrl, 'UPDATE revocations SET due_at = now()');
}

/** Alters one bit of what a connection keeps sealed, so that it opens no more. */
export async function damageSealedTokens(databaseUrl: string, userId: string): Promise<void> {
  await queryDatabase(
    databaseUrl,
    `UPDATE connections SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)
     WHERE user_id = $1`,
    [userId],
  );
}
