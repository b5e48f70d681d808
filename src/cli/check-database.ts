import { DataSource } from 'typeorm';
import { describeBootError } from '../config/boot-error.js';
import type { Environment } from '../config/read-environment.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { readDatabaseConfig } from '../database/database.config.js';
import type { Finding } from './doctor.js';

/** Looks whether PostgreSQL answers and has every migration. Changes nothing there. */
export async function checkDatabase(environment: Environment): Promise<Finding> {
  const subject = 'database';
  const production = environment['NODE_ENV'] === 'production';
  if (!production && !environment['DATABASE_URL']) {
    return { verdict: 'ok', subject, text: 'brought by the start, in .cufflink/' };
  }
  try {
    const pending = await findPendingMigrations(environment);
    if (pending.length === 0) {
      return { verdict: 'ok', subject, text: 'answers, and has every migration' };
    }
    const text = `answers; ${pending.length} ${pending.length === 1 ? 'migration is' : 'migrations are'} pending: ${pending.join(', ')}`;
    return production
      ? { verdict: 'wrong', subject, text: `${text}. Run \`npm run migration:run\`.` }
      : { verdict: 'note', subject, text: `${text}. The start runs them.` };
  } catch (error) {
    return { verdict: 'wrong', subject, text: describeBootError(error) };
  }
}

async function findPendingMigrations(environment: Environment): Promise<string[]> {
  const config = { ...readDatabaseConfig(environment), migrateOnBoot: false, poolSize: 1 };
  const dataSource = new DataSource(dataSourceOptions(config));
  await dataSource.initialize();
  try {
    const [table] = await dataSource.query<{ name: string | null }[]>(`SELECT to_regclass('migrations')::text AS name`);
    const done = table?.name ? await dataSource.query<{ name: string }[]>('SELECT name FROM migrations') : [];
    const names = dataSource.migrations.map(({ name, constructor }) => name ?? constructor.name);
    return names.filter((name) => !done.some((row) => row.name === name));
  } finally {
    await dataSource.destroy();
  }
}
