import { randomBytes } from 'node:crypto';
import pg from 'pg';

/**
 * Copies a test's database as it is now, like a backup that is restored beside it. Ends the sessions of those who use
 * it.
 */
export async function copyDatabase(url: string): Promise<string> {
  const copy = `copy_${randomBytes(6).toString('hex')}`;
  await whileUnused(url, (client, name) => client.query(`CREATE DATABASE ${copy} TEMPLATE ${name}`));
  return withName(url, copy);
}

/** Puts a copy in the place of a test's database, under those who use it. */
export async function replaceDatabase(url: string, copy: string): Promise<void> {
  await whileUnused(url, async (client, name) => {
    await client.query(`ALTER DATABASE ${name} RENAME TO ${name}_replaced`);
    await client.query(`ALTER DATABASE ${nameOf(copy)} RENAME TO ${name}`);
  });
}

/** Does something with a database that nobody is connected to. */
async function whileUnused(url: string, work: (client: pg.Client, name: string) => Promise<unknown>): Promise<void> {
  const name = nameOf(url);
  const client = new pg.Client({ connectionString: withName(url, 'postgres') });
  await client.connect();
  try {
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await client.query('SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1', [name]);
    await work(client, name);
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  } finally {
    await client.end();
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function withName(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
