import { queryDatabase } from './test-database.js';

/*
 * Looks at rows and changes of rows that no call can make. A statement that says more than these is a `queryDatabase`
 * in its test.
 */

/** A value of a column. An instant may also be `'now'`, on the clock of the database. */
type Value = string | number | boolean | Buffer | Date | readonly string[] | null;

/** Columns, with their values. */
type Columns = Readonly<Record<string, Value>>;

/** An instant so many seconds ago, for a column. */
export function ago(seconds: number): Date {
  return new Date(Date.now() - seconds * 1_000);
}

/**
 * Reads whole rows.
 *
 * @param where - the columns that must have these values. All rows without it
 * @param orderBy - columns, as in SQL
 */
export function rowsOf<Row extends object>(
  databaseUrl: string,
  table: string,
  where: Columns = {},
  orderBy?: string,
): Promise<Row[]> {
  const { text, values } = condition(where);
  const order = orderBy === undefined ? '' : `ORDER BY ${orderBy}`;
  return queryDatabase<Row>(databaseUrl, `SELECT * FROM ${table} ${text} ${order}`, values);
}

/** Counts rows. */
export async function countRows(databaseUrl: string, table: string, where: Columns = {}): Promise<number> {
  const { text, values } = condition(where);
  const sql = `SELECT count(*)::int AS count FROM ${table} ${text}`;
  const [row] = await queryDatabase<{ count: number }>(databaseUrl, sql, values);
  return row?.count ?? 0;
}

/** Adds a row. */
export async function addRow(databaseUrl: string, table: string, columns: Columns): Promise<void> {
  const names = Object.keys(columns);
  const values = names.map((_, at) => `$${at + 1}`);
  const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')})`;
  await queryDatabase(databaseUrl, sql, Object.values(columns));
}

/** Writes values into columns of rows. */
export async function changeRows(
  databaseUrl: string,
  table: string,
  changes: Columns,
  where: Columns = {},
): Promise<void> {
  const names = Object.keys(changes);
  const { text, values } = condition(where, names.length);
  const assignments = names.map((name, at) => `${name} = $${at + 1}`).join(', ');
  await queryDatabase(databaseUrl, `UPDATE ${table} SET ${assignments} ${text}`, [
    ...Object.values(changes),
    ...values,
  ]);
}

/** Deletes rows, all without a condition. */
export async function deleteRows(databaseUrl: string, table: string, where: Columns = {}): Promise<void> {
  const { text, values } = condition(where);
  await queryDatabase(databaseUrl, `DELETE FROM ${table} ${text}`, values);
}

/**
 * SQL: an instant of a column, so many seconds earlier. Citus refuses `timestamptz - interval` of a column: the result
 * depends on the time zone of the session.
 */
export function earlier(column: string, seconds: string): string {
  return `(${column} AT TIME ZONE 'UTC' - ${seconds} * interval '1 second') AT TIME ZONE 'UTC'`;
}

/**
 * Lets time pass for rows: moves instants into the past.
 *
 * @param columns - the instants to move; an instant that is not set stays so
 */
export async function passTimeInRows(
  databaseUrl: string,
  table: string,
  columns: readonly string[],
  seconds: number,
  where: Columns = {},
): Promise<void> {
  const { text, values } = condition(where, 1);
  const moves = columns.map((column) => `${column} = ${earlier(column, '$1::float8')}`).join(', ');
  await queryDatabase(databaseUrl, `UPDATE ${table} SET ${moves} ${text}`, [seconds, ...values]);
}

/** Makes every pending revocation due, so that the outbox tries it at once. */
export async function makeRevocationsDue(databaseUrl: string): Promise<void> {
  await changeRows(databaseUrl, 'revocations', { due_at: 'now' });
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

/** Takes a table away, so that every statement about it fails. Returns the way to bring it back. */
export async function hideTable(databaseUrl: string, table: string): Promise<() => Promise<void>> {
  await queryDatabase(databaseUrl, `ALTER TABLE ${table} RENAME TO hidden`);
  return async () => {
    await queryDatabase(databaseUrl, `ALTER TABLE hidden RENAME TO ${table}`);
  };
}

/** Lets the audit trail take no further entry. */
export async function closeAuditTrail(databaseUrl: string): Promise<void> {
  await queryDatabase(databaseUrl, 'ALTER TABLE audit_entries ADD CONSTRAINT no_more CHECK (false) NOT VALID');
}

/** @param given - how many parameters stand before those of the condition */
function condition(where: Columns, given = 0): { text: string; values: Value[] } {
  const terms = Object.keys(where).map((name, at) => `${name} IS NOT DISTINCT FROM $${given + at + 1}`);
  return { text: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values: Object.values(where) };
}
