import { realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dropDatabases } from './test-server.js';

/**
 * Stops the PostgreSQL of {@link setUp} and removes its data, also where it had to live elsewhere. On a Citus that was
 * there before, it removes the databases of the run.
 */
export default async function tearDown() {
  const directory = globalThis.__postgresDirectory;
  if (globalThis.__postgres === undefined) {
    await dropDatabases(process.env.TEST_DATABASE_NODES.split(' '), process.env.TEST_DATABASE_PREFIX);
  } else {
    await globalThis.__postgres.stop();
    const data = await realpath(join(directory, 'postgres')).catch(() => directory);
    await rm(data, { recursive: true, force: true });
    await rm(`${data}.origin`, { force: true });
  }
  await rm(directory, { recursive: true, force: true });
}
