import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Makes an empty database for one test file and returns its URL. */
export function createTestDatabase(): Promise<string> {
  return createDatabase('template1');
}

/** Makes a database on which every migration has run, and returns its URL. */
export function createMigratedDatabase(): Promise<string> {
  return createDatabase('migrated');
}

async function createDatabase(template: string): Promise<string> {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined) {
    throw new Error('TEST_DATABASE_URL is missing: run the tests through jest.config.js.');
  }
  const name = `test_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await client.end();
  }
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
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
