import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createUndistributed, withDatabase } from './test-server.js';

/** Makes an empty database for one test file and returns its URL. On Citus it is on the coordinator only. */
export function createTestDatabase(): Promise<string> {
  return createDatabase([serverUrl()], 'template1');
}

/**
 * Makes a database on which every migration has run, and returns its URL. On Citus its tables are distributed, and the
 * URL is that of the coordinator.
 */
export function createMigratedDatabase(): Promise<string> {
  return createDatabase(nodesOf(serverUrl()), `${process.env['TEST_DATABASE_PREFIX']}_migrated`);
}

/** Makes a database on which every migration has run, and whose tables are not distributed on Citus either. */
export function createUndistributedDatabase(): Promise<string> {
  return createUndistributed(nodesOf(serverUrl()), newDatabaseName());
}

/** Returns a name for a new database. */
export function newDatabaseName(): string {
  return `${process.env['TEST_DATABASE_PREFIX']}_${randomBytes(6).toString('hex')}`;
}

/** Returns the URLs of a test's database on every node of Citus, the coordinator first; elsewhere the URL alone. */
export function nodesOf(databaseUrl: string): readonly string[] {
  const { host, pathname } = new URL(databaseUrl);
  const servers = process.env['TEST_DATABASE_NODES']?.split(' ') ?? [];
  const isOurs = servers.some((server) => new URL(server).host === host);
  return isOurs ? servers.map((server) => withDatabase(server, pathname.slice(1))) : [databaseUrl];
}

async function createDatabase(nodes: readonly string[], template: string): Promise<string> {
  const name = newDatabaseName();
  for (const node of nodes) {
    await queryDatabase(node, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  }
  return withDatabase(serverUrl(), name);
}

function serverUrl(): string {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined) {
    throw new Error('TEST_DATABASE_URL is missing: run the tests through jest.config.js.');
  }
  return server;
}

/** Runs one statement in a test's database, for looking at what is stored or preparing a state no call can produce. */
export async function queryDatabase<Row extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
