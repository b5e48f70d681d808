import type { Command } from 'commander';
import { DataSource } from 'typeorm';
import { migrationOptions } from '../database/data-source-options.js';
import { readDatabaseConfig } from '../database/database.config.js';
import { findPendingMigrations } from '../database/pending-migrations.js';
import { addShards, describeSteps, distributeWithBar } from './distribute-command.js';
import { changeTablesAlone } from './migration-lock.js';
import { exitCodes, type Print } from './output.js';
import type { ProgressOutput } from './progress-bar.js';

interface MigrateFlags {
  readonly check: boolean;
  readonly distributed: boolean;
  readonly shards: number;
}

/** Makes a command bring the tables up to this version; it needs no development dependency. */
export function addMigrateCommand(migrate: Command, print: Print, progress: ProgressOutput): void {
  addShards(migrate)
    .option('--check', 'only list them; exit status 1 if there are any', false)
    .option('--distributed', 'then distribute the tables; see docs/scale.md', false)
    .action(async ({ check, distributed, shards }: MigrateFlags) => {
      const dataSource = new DataSource({ ...migrationOptions(readDatabaseConfig(process.env)), migrationsRun: false });
      await dataSource.initialize();
      try {
        if (check) {
          const pending = await findPendingMigrations(dataSource);
          print(listOf(pending, 'pending', 'No migration is pending.'), { pending });
          process.exitCode = pending.length === 0 ? exitCodes.success : exitCodes.finding;
          return;
        }
        await changeTablesAlone(dataSource, async () => {
          const ran = (await dataSource.runMigrations()).map(({ name }) => name);
          const text = listOf(ran, 'run', 'Every migration had run already.');
          if (distributed) {
            const steps = await distributeWithBar(dataSource, shards, progress);
            print(`${text}\n${describeSteps(steps)}`, { ran, distributed: steps });
          } else {
            print(text, { ran });
          }
        });
      } finally {
        await dataSource.destroy();
      }
    });
}

function listOf(names: readonly string[], word: string, none: string): string {
  return names.length === 0 ? none : `${names.length} ${word}:\n${names.map((name) => `  ${name}`).join('\n')}`;
}
