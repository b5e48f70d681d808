import { VaultService } from '../../src/vault/vault.service.js';
import type { TestApplication } from './application.js';
import { rowsOf } from './rows.js';
import { queryDatabase } from './test-database.js';

/**
 * Entries of the audit trail about a user, oldest first: action, outcome, kind of actor, and the code if there is one.
 */
export async function auditEntriesOf({ app, databaseUrl }: TestApplication, userId: string): Promise<string[]> {
  const digest = app.get(VaultService, { strict: false }).digest('audit.user', [userId]);
  const rows = await rowsOf<{ action: string; outcome: string; actor: string; code: string | null }>(
    databaseUrl,
    'audit_entries',
    { user_digest: digest },
    'writer, sequence',
  );
  return rows.map(({ action, outcome, actor, code }) =>
    [action, outcome, actor.split(':')[0], ...(code === null ? [] : [code])].join(' '),
  );
}

/** Counts the refreshes in the audit trail, by the id of the connection and the number of the token set. */
export async function countAuditedRefreshes(databaseUrl: string): Promise<ReadonlyMap<string, number>> {
  const rows = await queryDatabase<{ key: string; count: number }>(
    databaseUrl,
    `SELECT connection_id || ' ' || subject AS key, count(*)::int AS count FROM audit_entries
     WHERE action = 'token.refreshed' GROUP BY 1`,
  );
  return new Map(rows.map(({ key, count }) => [key, count]));
}

/** Counts the issued tokens in the audit trail, by the id of the connection. */
export async function countAuditedIssues(databaseUrl: string): Promise<ReadonlyMap<string, number>> {
  const rows = await queryDatabase<{ id: string; count: number }>(
    databaseUrl,
    `SELECT connection_id AS id, count(*)::int AS count FROM audit_entries
     WHERE action = 'token.handed_out' AND outcome = 'success' GROUP BY connection_id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}
