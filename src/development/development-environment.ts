import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isSecretSet } from '../config/read-environment.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

/** The directory of development: keys, journal and database. */
export const developmentDirectory = resolve('.cufflink');

/**
 * Adds the settings of development that the environment does not name: a root key, a journal and a database, all kept
 * in `.cufflink/`. Service and command line both call it, so that they see the same data.
 *
 * @param environment - the process's own; completed in place
 * @returns the database that was started or found, if one was needed
 */
export async function completeDevelopmentEnvironment(
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<EmbeddedPostgres | undefined> {
  mkdirSync(developmentDirectory, { recursive: true });
  const isKeyElsewhere = (environment['KEY_SOURCE'] || 'local') !== 'local';
  if (!isKeyElsewhere && !isSecretSet(environment, 'ENCRYPTION_ROOT_KEY')) {
    environment['ENCRYPTION_ROOT_KEY_FILE'] = await ensureRootKeyFile();
  }
  environment['REFRESH_JOURNAL_DIRECTORY'] ||= join(developmentDirectory, 'journal');
  if (isSecretSet(environment, 'DATABASE_URL')) {
    return undefined;
  }
  const postgres = await startEmbeddedPostgres({ directory: developmentDirectory, log });
  environment['DATABASE_URL'] = postgres.url;
  return postgres;
}

async function ensureRootKeyFile(): Promise<string> {
  const file = join(developmentDirectory, 'root-key');
  try {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw error;
    }
  }
  return file;
}
