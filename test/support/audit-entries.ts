import { VaultService } from '../../src/vault/vault.service.js';
import type { TestApplication } from './application.js';
import { queryDatabase } from './test-database.js';

/** What the audit trail has about a user, the oldest first: action, outcome, kind of actor, and code where there is one. */
export async function auditEntriesOf({ app, databaseUrl }: TestApplication, userId: string): Promise<string[]> {
  const digest = app.get(VaultService, { strict: false }).digest('audit.user', [userId]);
  const rows = await queryDatabase<{ action: string; outcome: string; actor: string; code: string | null }>(
    databaseUrl,
    'SELECT action, outcome, actor, code FROM audit_entries WHERE user_digest = $1 ORDER BY writer, sequence',
    [digest],
  );
  return rows.map(({ action, outcome, actor, code }) =>
    [action, outcome, actor.split(':')[0], ...(code === null ? [] : [code])].join(' '),
  );
}
