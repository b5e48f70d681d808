import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { checkout } from './service-process.js';
import { createTestDatabase, queryDatabase } from './test-database.js';

export type DatabaseRole = 'cufflink_app' | 'cufflink_operator' | 'cufflink_auditor' | 'cufflink_reader';

/** A database whose rights are split, as a deployment has it. */
export interface SplitDatabase {
  /** As the owner of the tables, a superuser in tests. */
  readonly ownerUrl: string;
  /** As a login that has this role and nothing else. */
  urlOf(role: DatabaseRole): string;
}

/** Runs the migrations and `deploy/database-roles.sql` in a new database, and makes a login for each role. */
export async function createSplitDatabase(): Promise<SplitDatabase> {
  const ownerUrl = await createTestDatabase();
  const dataSource = new DataSource(dataSourceOptions({ url: ownerUrl, poolSize: 1, migrateOnBoot: false }));
  await dataSource.initialize();
  await dataSource.runMigrations().finally(() => dataSource.destroy());
  await applyDatabaseRoles(ownerUrl);
  const suffix = randomBytes(6).toString('hex');
  const password = randomBytes(16).toString('hex');
  const login = (role: DatabaseRole): string => `${role}_${suffix}`;
  for (const role of ['cufflink_app', 'cufflink_operator', 'cufflink_auditor', 'cufflink_reader'] as const) {
    await queryDatabase(ownerUrl, `CREATE ROLE ${login(role)} LOGIN PASSWORD '${password}' IN ROLE ${role}`);
  }
  return {
    ownerUrl,
    urlOf: (role) => {
      const url = new URL(ownerUrl);
      url.username = login(role);
      url.password = password;
      return url.href;
    },
  };
}

/** Runs the script of the deployment as the owner. */
export async function applyDatabaseRoles(ownerUrl: string): Promise<void> {
  await queryDatabase(ownerUrl, await readFile(join(checkout, 'deploy/database-roles.sql'), 'utf8'));
}
