import { Counter, Gauge } from 'prom-client';

/**
 * Measured when somebody asks: what prom-client offers beside would also watch the event loop and the garbage collector
 * all the time.
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
