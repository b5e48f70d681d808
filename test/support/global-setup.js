import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTemplate, findNodes, newPrefix } from './test-server.js';

/**
 * Starts one PostgreSQL for all test files, or uses the Citus of CITUS_DATABASE_URL. Each file makes a database of its
 * own in it. Most are copies of one on which the migrations have run.
 */
export default async function setUp() {
  const { startEmbeddedPostgres } = await import('../../dist/development/embedded-postgres.js').catch(() => {
    throw new Error('Run `npm run build` first: the tests start the database with the built code.');
  });
  const directory = await mkdtemp(join(tmpdir(), 'cufflink-test-'));
  globalThis.__postgresDirectory = directory;
  process.env.FAULT_FIGURES_FILE = join(directory, 'fault-figures.jsonl');
  process.env.NOT_ON_CITUS_FILE = join(directory, 'not-on-citus.jsonl');
  const citus = process.env.CITUS_DATABASE_URL;
  if (citus === undefined) {
    globalThis.__postgres = await startEmbeddedPostgres({
      directory,
      // The history checker asks when a row was committed.
      settings: { fsync: 'off', synchronous_commit: 'off', track_commit_timestamp: 'on' },
    });
  }
  const nodes = citus === undefined ? [globalThis.__postgres.url] : await findNodes(citus);
  const prefix = newPrefix();
  process.env.TEST_DATABASE_URL = nodes[0];
  process.env.TEST_DATABASE_NODES = nodes.join(' ');
  process.env.TEST_DATABASE_PREFIX = prefix;
  await createTemplate(nodes, `${prefix}_migrated`);
}
