import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/**
 * Starts one PostgreSQL for all test files; each file makes a database of its own in it. Most are copies of one on which
 * the migrations have run.
 */
export default async function setUp() {
  const { startEmbeddedPostgres } = await import('../../dist/development/embedded-postgres.js').catch(() => {
    throw new Error('Run `npm run build` first: the tests start the database with the built code.');
  });
  const directory = await mkdtemp(join(tmpdir(), 'cufflink-test-'));
  globalThis.__postgres = await startEmbeddedPostgres({
    directory,
    // The history checker asks when a row was committed.
    settings: { fsync: 'off', synchronous_commit: 'off', track_commit_timestamp: 'on' },
  });
  globalThis.__postgresDirectory = directory;
  process.env.TEST_DATABASE_URL = globalThis.__postgres.url;
  await createMigrated(globalThis.__postgres.url);
  process.env.FAULT_FIGURES_FILE = join(directory, 'fault-figures.jsonl');
}

async function createMigrated(server) {
  const { DataSource } = await import('typeorm');
  const { migrationOptions } = await import('../../dist/database/data-source-options.js');
  const { readDatabaseConfig } = await import('../../dist/database/database.config.js');
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query('CREATE DATABASE migrated');
  await client.end();
  const url = new URL(server);
  url.pathname = '/migrated';
  const options = migrationOptions(readDatabaseConfig({ ...process.env, DATABASE_URL: url.href }));
  const dataSource = new DataSource({ ...options, migrationsRun: false });
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}
