import { realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Stops the PostgreSQL of {@link setUp} and removes its data, also where it had to live elsewhere. */
export default async function tearDown() {
  await globalThis.__postgres.stop();
  const directory = globalThis.__postgresDirectory;
  const data = await realpath(join(directory, 'postgres')).catch(() => directory);
  await rm(data, { recursive: true, force: true });
  await rm(`${data}.origin`, { force: true });
  await rm(directory, { recursive: true, force: true });
}
