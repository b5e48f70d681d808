import type { DataSource } from 'typeorm';

/** Of all Cufflink's advisory locks the only one: "cuff" in ASCII. */
const migrationLock = 0x63756666;

/** Changes tables under a lock, because two replicas of a deployment may start their migrations together. */
export async function changeTablesAlone<Result>(
  dataSource: DataSource,
  change: () => Promise<Result>,
): Promise<Result> {
  const lock = dataSource.createQueryRunner();
  // A lock of the transaction also works behind a connection pooler in transaction mode.
  await lock.startTransaction();
  try {
    await lock.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    return await change();
  } finally {
    await lock.rollbackTransaction();
    await lock.release();
  }
}
