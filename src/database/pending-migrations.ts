import type { DataSource } from 'typeorm';

/**
 * Returns the names of the migrations that have not run yet, in the order in which they run. A later version may have
 * more.
 */
export async function findPendingMigrations(dataSource: DataSource): Promise<string[]> {
  const [table] = await dataSource.query<{ name: string | null }[]>(`SELECT to_regclass('migrations')::text AS name`);
  const done = table?.name ? await dataSource.query<{ name: string }[]>('SELECT name FROM migrations') : [];
  const names = dataSource.migrations
    .map(({ name, constructor }) => name ?? constructor.name)
    .sort((left, right) => timestampOf(left) - timestampOf(right));
  return names.filter((name) => !done.some((row) => row.name === name));
}

/** Returns the time of a migration. Its name ends with the 13 digits of the time, as TypeORM requires. */
function timestampOf(name: string): number {
  return Number(name.slice(-13));
}
