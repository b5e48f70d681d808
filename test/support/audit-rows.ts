import { queryDatabase } from './test-database.js';

/** Counts the refreshes in the audit trail, by the id of the connection and the number of the token set. */
export async function countAuditedRefreshes(databaseUrl: string): Promise<ReadonlyMap<string, number>> {
  const rows = await queryDatabase<{ key: string; count: number }>(
    databaseUrl,
    `SELECT connection_id || ' ' || subject AS key, count(*)::int AS count FROM audit_entries
     WHERE action = 'token.refreshed' GROUP BY 1`,
  );
  return new Map(rows.map(({ key, count }) => [key, count]));
}

/** Counts the hand-outs in the audit trail, by the id of the connection. */
export async function countAuditedHandOuts(databaseUrl: string): Promise<ReadonlyMap<string, number>> {
  const rows = await queryDatabase<{ id: string; count: number }>(
    databaseUrl,
    `SELECT connection_id AS id, count(*)::int AS count FROM audit_entries
     WHERE action = 'token.handed_out' AND outcome = 'success' GROUP BY connection_id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}
