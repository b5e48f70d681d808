import type { Command } from 'commander';
import { DataSource } from 'typeorm';
import { migrationOptions } from '../database/data-source-options.js';
import { readDatabaseConfig } from '../database/database.config.js';
import { findPendingMigrations } from '../database/pending-migrations.js';
import { exitCodes, type Print } from './output.js';

/** Of all Cufflink's advisory locks the only one: "cuff" in ASCII. */
const migrationLock = 0x63756666;

/** Makes a command bring the tables up to this version; it needs no development dependency. */
export function addMigrateCommand(migrate: Command, print: Print): void {
  migrate
    .option('--check', 'only list them; exit status 1 if there are any', false)
    .action(async ({ check }: { check: boolean }) => {
      const dataSource = new DataSource({ ...migrationOptions(readDatabaseConfig(process.env)), migrationsRun: false });
      await dataSource.initialize();
      try {
        if (check) {
          const pending = await findPendingMigrations(dataSource);
          print(listOf(pending, 'pending', 'No migration is pending.'), { pending });
          process.exitCode = pending.length === 0 ? exitCodes.success : exitCodes.finding;
          return;
        }
        const ran = await runAlone(dataSource);
        print(listOf(ran, 'run', 'Every migration had run already.'), { ran });
      } finally {
        await dataSource.destroy();
      }
    });
}

/** Migrates under a lock, because two replicas of a deployment may start their migrations together. */
async function runAlone(dataSource: DataSource): Promise<string[]> {
  const lock = dataSource.createQueryRunner();
  // A lock of the transaction also works behind a connection pooler in transaction mode.
  await lock.startTransaction();
  try {
    await lock.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    return (await dataSource.runMigrations()).map(({ name }) => name);
  } finally {
    await lock.rollbackTransaction();
    await lock.release();
  }
}

function listOf(names: readonly string[], word: string, none: string): string {
  return names.length === 0 ? none : `${names.length} ${word}:\n${names.map((name) => `  ${name}`).join('\n')}`;
}
