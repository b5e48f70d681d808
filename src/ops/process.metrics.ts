import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge } from 'prom-client';
import { version } from '../config/version.js';

/**
 * Measured at each scrape. The defaults of prom-client would also watch the event loop and the garbage collector all
 * the time.
 */

new Gauge({
  name: 'process_resident_memory_bytes',
  help: 'Resident memory of the process',
  collect() {
    this.set(process.memoryUsage.rss());
  },
});

new Counter({
  name: 'process_cpu_seconds_total',
  help: 'CPU time used by the process',
  collect() {
    const { user, system } = process.cpuUsage();
    this.reset();
    this.inc((user + system) / 1_000_000);
  },
});

new Gauge({
  name: 'process_start_time_seconds',
  help: 'Start time of the process, in seconds since 1970',
}).set(Math.floor(Date.now() / 1_000 - process.uptime()));

new Gauge({
  name: 'cufflink_build_info',
  help: 'Always 1; the label is the version of this process',
  labelNames: ['version'] as const,
}).set({ version }, 1);

/** Measured from the first scrape on, so that it costs nothing without scrapes. */
let eventLoopDelay: ReturnType<typeof monitorEventLoopDelay> | undefined;

new Gauge({
  name: 'cufflink_event_loop_delay_seconds',
  help: 'Delay of the event loop since the last scrape: median, 99th percentile and maximum',
  labelNames: ['quantile'] as const,
  collect() {
    if (eventLoopDelay === undefined) {
      eventLoopDelay = monitorEventLoopDelay({ resolution: 10 });
      eventLoopDelay.enable();
      return;
    }
    this.set({ quantile: '0.5' }, eventLoopDelay.percentile(50) / 1e9);
    this.set({ quantile: '0.99' }, eventLoopDelay.percentile(99) / 1e9);
    this.set({ quantile: '1' }, eventLoopDelay.max / 1e9);
    eventLoopDelay.reset();
  },
});
