import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { built } from './built.ts';

/** The PostgreSQL that a run measures with. */
export interface BenchServer {
  /** Makes an empty database with a name that nobody else has, and returns its URL. */
  createDatabase(): Promise<string>;
  /** Drops the databases made here, and the server if it was started here. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL in a folder of its own, as durable as in production: every commit waits for the disk.
 *
 * @param url - a server to use instead, as a superuser
 */
export async function startServer(url: string | undefined): Promise<BenchServer> {
  const own = url === undefined ? await startEmbedded() : undefined;
  const serverUrl = url ?? own?.url ?? '';
  const names: string[] = [];
  return {
    createDatabase: async () => {
      const name = `cufflink_bench_${randomBytes(4).toString('hex')}`;
      await run(serverUrl, `CREATE DATABASE ${name}`);
      names.push(name);
      const database = new URL(serverUrl);
      database.pathname = `/${name}`;
      return database.href;
    },
    stop: async () => {
      for (const name of own === undefined ? names : []) {
        await run(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
      }
      await own?.stop();
    },
  };
}

/** Runs one statement on a connection of its own. */
export async function run<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function startEmbedded(): Promise<{ url: string; stop(): Promise<void> }> {
  const { startEmbeddedPostgres } = await built<typeof import('../src/development/embedded-postgres.ts')>(
    'development/embedded-postgres.js',
  );
  const directory = await mkdtemp(join(tmpdir(), 'cufflink-bench-'));
  const postgres = await startEmbeddedPostgres({
    directory,
    // More than the defaults of a small machine, so that no checkpoint of one side falls into the other's time.
    settings: { shared_buffers: '1GB', max_wal_size: '8GB', checkpoint_timeout: '30min' },
  });
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop();
      const data = await realpath(join(directory, 'postgres')).catch(() => directory);
      await rm(data, { recursive: true, force: true });
      await rm(`${data}.origin`, { force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}
