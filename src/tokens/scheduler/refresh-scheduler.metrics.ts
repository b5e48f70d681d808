import { Gauge, Histogram } from 'prom-client';

/** Connections waiting for the scheduler, at most 10,000 of a provider, as it last saw them. */
export const dueConnections = new Gauge({
  name: 'cufflink_refresh_due_connections',
  help: 'Connections that are due for a refresh, by provider',
  labelNames: ['provider'] as const,
});

/** How long the most overdue connection has been due. */
export const oldestOverdueSeconds = new Gauge({
  name: 'cufflink_refresh_oldest_overdue_seconds',
  help: 'Seconds since the most overdue connection became due, by provider',
  labelNames: ['provider'] as const,
});

/** Connections leased by one statement of the scheduler. */
export const sweepBatchSize = new Histogram({
  name: 'cufflink_refresh_batch_size',
  help: 'Due connections leased by one statement',
  buckets: [0, 1, 5, 20, 50, 100, 200],
});
