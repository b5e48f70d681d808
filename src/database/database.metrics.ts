import { Counter } from 'prom-client';

/** Reads of lists, counts and the audit trail, by server. */
export const databaseReads = new Counter({
  name: 'cufflink_database_reads_total',
  help: 'Reads of lists, counts and the audit trail, by server: replica (DATABASE_READ_URL) or primary',
  labelNames: ['server'] as const,
});
