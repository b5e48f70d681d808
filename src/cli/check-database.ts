import type pg from 'pg';
import { DataSource } from 'typeorm';
import { describeBootError } from '../config/boot-error.js';
import { isSecretSet, type Environment } from '../config/read-environment.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { readDatabaseConfig, type DatabaseConfig } from '../database/database.config.js';
import { checkPooler } from '../database/pooler-check.js';
import { findPendingMigrations } from '../database/pending-migrations.js';
import { RotatingKeySource } from '../vault/rotating-key-source.js';
import { LocalKeySource } from '../vault/local-key-source.js';
import { readVaultConfig } from '../vault/vault.config.js';
import { checkReadReplica } from './check-read-replica.js';
import type { Finding } from './doctor.js';

/** The parts of a branch key that show whether the root key opens it. */
interface WrappedRow {
  readonly kid: string;
  readonly purpose: string;
  readonly blob: Buffer;
  readonly keyRef: string;
}

/**
 * Checks that PostgreSQL responds, has every migration, and holds keys that the root key opens. Changes nothing there.
 */
export async function checkDatabase(environment: Environment): Promise<Finding[]> {
  const subject = 'database';
  const production = environment['NODE_ENV'] === 'production';
  if (!production && !isSecretSet(environment, 'DATABASE_URL')) {
    return [{ verdict: 'ok', subject, text: 'started with the service, in .cufflink/' }];
  }
  let dataSource: DataSource | undefined;
  try {
    const config = { ...readDatabaseConfig(environment), migrateOnBoot: false, poolSize: 2 };
    dataSource = await new DataSource(dataSourceOptions(config)).initialize();
    await checkNamedStatements(dataSource);
    const pending = await findPendingMigrations(dataSource);
    if (pending.length === 0) {
      const keys = await checkKeys(dataSource, environment);
      return [
        { verdict: 'ok', subject, text: 'reachable; every migration has run' },
        ...checkTransport(config),
        ...(await checkReadReplica(dataSource, config)),
        ...keys,
      ];
    }
    const text = `reachable; ${pending.length} ${pending.length === 1 ? 'migration is' : 'migrations are'} pending: ${pending.join(', ')}`;
    return production
      ? [{ verdict: 'wrong', subject, text: `${text}. Run \`npm run cli -- migrate\`.` }]
      : [{ verdict: 'note', subject, text: `${text}. They run when the service starts.` }];
  } catch (error) {
    return [{ verdict: 'wrong', subject, text: describeBootError(error) }];
  } finally {
    await dataSource?.destroy();
  }
}

/**
 * Counts the active connections of providers.
 *
 * @returns by slug; empty when there is no database, or it does not respond, which another check reports
 */
export async function countConnections(
  environment: Environment,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (slugs.length === 0 || !isSecretSet(environment, 'DATABASE_URL')) {
    return new Map();
  }
  let dataSource: DataSource | undefined;
  try {
    const config = { ...readDatabaseConfig(environment), migrateOnBoot: false, poolSize: 1 };
    dataSource = await new DataSource(dataSourceOptions(config)).initialize();
    const rows = await dataSource.query<{ provider: string; connections: number }[]>(
      `SELECT provider, count(*)::int AS connections FROM connections
       WHERE provider = ANY ($1) AND status = 'active' GROUP BY provider`,
      [slugs],
    );
    return new Map(rows.map(({ provider, connections }) => [provider, connections]));
  } catch {
    return new Map();
  } finally {
    await dataSource?.destroy();
  }
}

async function checkNamedStatements(dataSource: DataSource): Promise<void> {
  const { master: pool } = dataSource.driver as unknown as { master: pg.Pool };
  const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
  await checkPooler(first, second).finally(() => {
    first.release();
    second.release();
  });
}

/** @returns nothing if nobody can read rows and the password on their way */
function checkTransport({ remoteWithoutTls }: Pick<DatabaseConfig, 'remoteWithoutTls'>): Finding[] {
  const text =
    'is on another machine, and DATABASE_URL or DATABASE_READ_URL does not require TLS. Add sslmode=verify-full to the URL.';
  return remoteWithoutTls ? [{ verdict: 'note', subject: 'database', text }] : [];
}

/**
 * Opens the keys that a root key of ours has wrapped. Keys of a key service are left to the start, because a call would
 * leave a trace there.
 *
 * @returns nothing if the root key itself is wrong, which has a finding of its own
 */
async function checkKeys(dataSource: DataSource, environment: Environment): Promise<Finding[]> {
  const subject = 'keys';
  const settings = tryToRead(() => readVaultConfig(environment));
  if (settings === undefined) {
    return [];
  }
  const rows = await dataSource.query<WrappedRow[]>(
    `SELECT kid, purpose, wrapped_key AS blob, root_key_ref AS "keyRef" FROM vault_keys
     WHERE wrapped_key IS NOT NULL AND root_key_ref LIKE 'local:%'`,
  );
  const [first, ...others] = settings.keySources.flatMap((source) =>
    source.kind === 'local' ? [new LocalKeySource(source.rootKey)] : [],
  );
  if (rows.length === 0) {
    return [];
  }
  const sources = first === undefined ? undefined : new RotatingKeySource(first, others);
  let closed = 0;
  for (const { kid, purpose, ...wrapped } of rows) {
    const context = { kid, purpose, environment: settings.environmentName };
    closed += await (sources?.unwrap(wrapped, context) ?? Promise.reject(new Error('No root key.'))).then(
      () => 0,
      () => 1,
    );
  }
  const text = `the root key and the name "${settings.environmentName}" cannot unwrap ${closed} of the ${rows.length} keys in the database. Set the previous ones (docs/keys.md).`;
  return closed === 0
    ? [{ verdict: 'ok', subject, text: `the root key unwraps all ${rows.length} keys in the database` }]
    : [{ verdict: 'wrong', subject, text }];
}

function tryToRead<Settings>(read: () => Settings): Settings | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
