import { processorSeconds } from './child.ts';
import { run } from './server.ts';

/** Seconds on processors by process. */
export type ProcessorTimes = ReadonlyMap<number, number>;

/** Returns the time on processors that each process of PostgreSQL has had so far. PostgreSQL runs on this machine. */
export async function postgresTimes(databaseUrl: string): Promise<ProcessorTimes> {
  const processes = await run<{ pid: number }>(
    databaseUrl,
    'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
  );
  const times = await Promise.all(
    // A process that has ended since it was listed has no time any more.
    processes.map(async ({ pid }) => [pid, await processorSeconds(pid).catch(() => undefined)] as const),
  );
  return new Map(times.filter((time): time is readonly [number, number] => time[1] !== undefined));
}

/**
 * Returns the seconds on processors between two looks. Processes that began in between count. Those that have ended do
 * not: pools close connections that were idle for ten seconds, mostly those of the side that is not being measured.
 */
export function secondsBetween(before: ProcessorTimes, after: ProcessorTimes): number {
  return [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? 0), 0);
}
