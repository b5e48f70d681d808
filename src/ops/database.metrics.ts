import { Gauge } from 'prom-client';
import type { Database } from '../database/database.js';

/** Read at each scrape. The pool is that of the application that started last; a process has one. */
let observed: Database | undefined;

new Gauge({
  name: 'cufflink_database_connections',
  help: 'Connections of the pool to PostgreSQL, by state: open, idle; and statements that wait for one: waiting',
  labelNames: ['state'] as const,
  collect() {
    for (const [state, count] of Object.entries(observed?.connections ?? {})) {
      this.set({ state }, count);
    }
  },
});

/** Makes the pool's numbers available to `/metrics`. */
export function observePool(database: Database): void {
  observed = database;
}
