import { Gauge } from 'prom-client';
import type { FleetCount } from './fleet-count.js';

/** The source that a scrape reads: that of the application that started last. A process has one. */
let observed: { latest(): Promise<FleetCount | undefined> } | undefined;

new Gauge({
  name: 'cufflink_connections',
  help: 'Connections by provider and status, as counted at most a minute ago',
  labelNames: ['provider', 'status'] as const,
  async collect() {
    this.reset();
    // A scrape without the database still returns the other metrics.
    const latest = await observed?.latest().catch(() => undefined);
    for (const { provider, status, connections } of latest?.counts ?? []) {
      this.inc({ provider, status }, connections);
    }
  },
});

/** Makes the counts available to `/metrics`. */
export function observeCounts(counts: { latest(): Promise<FleetCount | undefined> }): void {
  observed = counts;
}
