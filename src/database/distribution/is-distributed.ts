/** Runs a text without values and returns its rows. */
export type ReadRows = (text: string) => Promise<unknown[]>;

/** Tells whether the `connections` table is distributed by its users: by Citus, or in native partitions. */
export async function readIsDistributed(read: ReadRows): Promise<boolean> {
  return (await isPartitioned(read)) || ((await hasCitus(read)) && (await isOnCitus(read, 'connections')));
}

/** Whether `connections` consists of native partitions. */
export async function isPartitioned(read: ReadRows): Promise<boolean> {
  return (await read(`SELECT 1 FROM pg_class WHERE oid = to_regclass('connections') AND relkind = 'p'`)).length > 0;
}

/** Whether the database has the extension. */
export async function hasCitus(read: ReadRows): Promise<boolean> {
  return (await read(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`)).length > 0;
}

/** Whether Citus knows a table of ours. The database must have the extension. */
export async function isOnCitus(read: ReadRows, name: string): Promise<boolean> {
  return (await read(`SELECT 1 FROM pg_dist_partition WHERE logicalrelid = to_regclass('${name}')`)).length > 0;
}
