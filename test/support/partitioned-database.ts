import { DataSource } from 'typeorm';
import { migrationOptions } from '../../src/database/data-source-options.js';
import { distribute } from '../../src/database/distribution/distribute.js';
import { createMigratedDatabase } from './test-database.js';

/** Distributes a database as `npm run cli -- distribute` does, and returns the steps that it did. */
export async function distributeDatabase(url: string): Promise<string[]> {
  const options = migrationOptions({ url, poolSize: 2, migrateOnBoot: false });
  const dataSource = await new DataSource(options).initialize();
  return distribute(dataSource, { shards: 4 }).finally(() => dataSource.destroy());
}

/** Makes a database with every migration, whose tables are partitions by hash, and returns its URL. */
export async function createPartitionedDatabase(): Promise<string> {
  const url = await createMigratedDatabase();
  await distributeDatabase(url);
  return url;
}
