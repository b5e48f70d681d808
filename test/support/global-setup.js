import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts one PostgreSQL for all test files; each file makes a database of its own in it. */
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
  process.env.FAULT_FIGURES_FILE = join(directory, 'fault-figures.jsonl');
}
