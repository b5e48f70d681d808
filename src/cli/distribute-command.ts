import { InvalidArgumentError, type Command } from 'commander';
import { DataSource } from 'typeorm';
import { migrationOptions } from '../database/data-source-options.js';
import { readDatabaseConfig } from '../database/database.config.js';
import { distribute } from '../database/distribution/distribute.js';
import { findPendingMigrations } from '../database/pending-migrations.js';
import { changeTablesAlone } from './migration-lock.js';
import type { Print } from './output.js';
import { ProgressBar, type ProgressOutput } from './progress-bar.js';

/** Makes a command distribute the tables of a deployment that has them in one server. */
export function addDistributeCommand(command: Command, print: Print, progress: ProgressOutput): void {
  addShards(command).action(async ({ shards }: { readonly shards: number }) => {
    const dataSource = new DataSource({ ...migrationOptions(readDatabaseConfig(process.env)), migrationsRun: false });
    await dataSource.initialize();
    try {
      if ((await findPendingMigrations(dataSource)).length > 0) {
        throw new Error('Migrations are pending. Run `npm run cli -- migrate` first.');
      }
      const distributed = await changeTablesAlone(dataSource, () => distributeWithBar(dataSource, shards, progress));
      print(describeSteps(distributed), { distributed });
    } finally {
      await dataSource.destroy();
    }
  });
}

/** Adds the option for the number of shards. */
export function addShards(command: Command): Command {
  return command.option('--shards <count>', 'on Citus: parts of each distributed table', parseShards, 32);
}

/** Distributes with a progress bar, and returns the steps that it did. */
export async function distributeWithBar(
  dataSource: DataSource,
  shards: number,
  progress: ProgressOutput,
): Promise<string[]> {
  const bar = new ProgressBar(progress, () => performance.now());
  return distribute(dataSource, { shards, onProgress: (moved, all, text) => bar.show(moved, all, text) }).finally(() =>
    bar.end(),
  );
}

export function describeSteps(distributed: readonly string[]): string {
  return distributed.length === 0
    ? 'The tables were distributed already.'
    : `Distributed:\n${distributed.map((text) => `  ${text}`).join('\n')}`;
}

function parseShards(text: string): number {
  const shards = Number(text);
  if (!/^\d+$/.test(text) || shards < 1 || shards > 64_000) {
    throw new InvalidArgumentError('a number from 1 to 64000.');
  }
  return shards;
}
