import { queryDatabase } from './test-database.js';

/** Counts the hand-outs in the audit trail, by the id of the connection. */
export async function countAuditedHandOuts(databaseUrl: string): Promise<ReadonlyMap<string, number>> {
  const rows = await queryDatabase<{ id: string; count: number }>(
    databaseUrl,
    `SELECT connection_id AS id, count(*)::int AS count FROM audit_entries
     WHERE action = 'token.handed_out' AND outcome = 'success' GROUP BY connection_id`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}
