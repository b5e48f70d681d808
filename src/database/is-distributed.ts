import type pg from 'pg';

/** 'p': a table of native partitions. Citus keeps its tables in `pg_dist_partition`. */
const readKind = `SELECT relkind = 'p' AS "isPartitioned", to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS "hasCitus"
  FROM pg_class WHERE oid = to_regclass('connections')`;
const readCitus = `SELECT 1 FROM pg_dist_partition WHERE logicalrelid = 'connections'::regclass AND partmethod = 'h'`;

/** Tells whether the `connections` table is distributed by its users: by Citus, or in native partitions. */
export async function readIsDistributed(client: Pick<pg.ClientBase, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ isPartitioned: boolean; hasCitus: boolean }>(readKind);
  const [table] = rows;
  return (
    table !== undefined &&
    (table.isPartitioned || (table.hasCitus && (await client.query(readCitus)).rows.length === 1))
  );
}
