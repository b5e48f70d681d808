import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { checkout, startProcess } from '../support/service-process.js';
import { rowsOf } from '../support/rows.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';

const ourTables = [
  'accounts',
  'api_keys',
  'audit_entries',
  'audit_writers',
  'circuit_breakers',
  'connection_counts',
  'connections',
  'console_sessions',
  'erasures',
  'event_cursors',
  'events',
  'grant_migrations',
  'idempotency_keys',
  'link_sessions',
  'links',
  'notifications',
  'rate_limits',
  'revocations',
  'subscriptions',
  'vault_keys',
  'vault_replicas',
  'webhook_attempts',
  'webhook_endpoints',
];

let databaseUrl: string;

beforeEach(async () => {
  databaseUrl = await createTestDatabase();
});

describe('the migrations', () => {
  let dataSource: DataSource;

  beforeEach(async () => {
    dataSource = new DataSource(dataSourceOptions({ url: databaseUrl, poolSize: 1, migrateOnBoot: false }));
    await dataSource.initialize();
  });

  afterEach(() => dataSource.destroy());

  it('make exactly the tables that the entities describe', async () => {
    await dataSource.runMigrations();

    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();

    expect(upQueries.map(({ query }) => query)).toEqual([]);
    await expect(tables()).resolves.toEqual([...ourTables, 'migrations'].sort());
  });

  it('are run by a command that nothing stops while an index is built on a large table', async () => {
    const { status, output } = await runMigrationCommand(['query', 'SHOW statement_timeout'], databaseUrl);
    expect({ status, output }).toEqual({ status: 0, output: expect.stringMatching(/statement_timeout: '0'/) });
  });

  it('run once, and back to nothing', async () => {
    const first = await dataSource.runMigrations();
    const second = await dataSource.runMigrations();
    for (let left = first.length; left > 0; left -= 1) {
      await dataSource.undoLastMigration();
    }

    expect(first.length).toBeGreaterThan(0);
    expect(second).toEqual([]);
    await expect(tables()).resolves.toEqual(['migrations']);
    await expect(dataSource.runMigrations()).resolves.toHaveLength(first.length);
  });
});

describe('the migration commands', () => {
  it('prepare an empty database, and change nothing when run again', async () => {
    const first = await runMigrationCommand(['migration:run'], databaseUrl);
    const prepared = await tables();
    const second = await runMigrationCommand(['migration:run'], databaseUrl);

    expect(first).toMatchObject({ status: 0 });
    expect(prepared).toEqual([...ourTables, 'migrations'].sort());
    expect(second).toMatchObject({ status: 0, output: expect.stringContaining('No migrations are pending') });
    await expect(tables()).resolves.toEqual(prepared);
  });

  it('find nothing to generate on a prepared database, and something on an empty one', async () => {
    const generate = ['migration:generate', 'src/database/migrations/Nothing', '--check', '--dryrun'];
    const onEmpty = await runMigrationCommand(generate, databaseUrl);
    await runMigrationCommand(['migration:run'], databaseUrl);
    const onPrepared = await runMigrationCommand(generate, databaseUrl);

    expect(onEmpty).toMatchObject({ status: 1, output: expect.stringContaining('CREATE TABLE') });
    expect(onPrepared).toMatchObject({ status: 0, output: expect.stringContaining('No changes in database schema') });
  });

  it('revert the last migration', async () => {
    await runMigrationCommand(['migration:run'], databaseUrl);
    const applied = await migrations();

    await expect(runMigrationCommand(['migration:revert'], databaseUrl)).resolves.toMatchObject({ status: 0 });

    await expect(migrations()).resolves.toEqual(applied.slice(0, -1));
  });

  it('of the command line list pending ones, and run them once from two places at the same moment', async () => {
    const migrate = async (...options: readonly string[]) => {
      const args = [join(checkout, 'bin/cufflink.js'), 'migrate', '--json', ...options];
      const program = startProcess(args, tmpdir(), { NODE_ENV: 'production', DATABASE_URL: databaseUrl });
      const { status } = await program.ended();
      return { status, result: JSON.parse(program.stdout()) as Record<string, string[]>, stderr: program.stderr() };
    };

    const pending = await migrate('--check');
    const runs = await Promise.all([migrate(), migrate()]);
    const after = await migrate('--check');

    expect(pending).toMatchObject({ status: 1, stderr: '' });
    expect(pending.result['pending']?.length).toBeGreaterThan(20);
    expect(runs.map(({ status }) => status)).toEqual([0, 0]);
    expect(runs.map(({ result }) => result['ran']?.length).sort()).toEqual([0, pending.result['pending']?.length]);
    expect(after).toEqual({ status: 0, result: { pending: [] }, stderr: '' });
    await expect(migrations()).resolves.toEqual(pending.result['pending']);
  });

  it('name the variable when there is no DATABASE_URL', async () => {
    await expect(runMigrationCommand(['migration:run'], '')).resolves.toMatchObject({
      status: 1,
      output: expect.stringContaining('DATABASE_URL'),
    });
  });
});

async function tables(): Promise<string[]> {
  const rows = await queryDatabase<{ name: string }>(
    databaseUrl,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  );
  return rows.map(({ name }) => name);
}

async function migrations(): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(databaseUrl, 'migrations', {}, 'id');
  return rows.map(({ name }) => name);
}
