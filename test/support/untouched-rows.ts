import type { TestApplication } from './application.js';
import { linkAccount } from './linking.js';
import { slugs } from './fake-providers.js';
import { queryDatabase } from './test-database.js';

/** Links accounts of somebody whose connections no wrong request may touch. */
export async function linkBystander(application: TestApplication): Promise<void> {
  await linkAccount(application, 'bystander', 'whoop');
  await linkAccount(application, 'bystander', 'garmin-oauth1');
}

/** Everything that a wrong request could change: rows, and what the providers were asked. */
export async function readUntouchedRows(application: TestApplication): Promise<unknown> {
  const rows = await queryDatabase(
    application.databaseUrl,
    `SELECT (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM connections c) AS connections,
            (SELECT jsonb_agg(to_jsonb(l) ORDER BY id) FROM links l) AS links,
            (SELECT jsonb_agg(to_jsonb(k) - 'last_used_at' ORDER BY id) FROM api_keys k) AS keys`,
  );
  return { rows, calls: slugs.map((slug) => application.sandbox.provider(slug).history.length) };
}

/** Rows of connections only: a callback uses its link up, and may ask the provider. */
export async function connectionRows({ databaseUrl }: TestApplication): Promise<unknown> {
  return queryDatabase(databaseUrl, 'SELECT to_jsonb(c) AS row FROM connections c ORDER BY id');
}
