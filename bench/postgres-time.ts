import { processorSeconds } from './child.ts';
import { run } from './server.ts';

/**
 * Returns the time on processors that the processes of PostgreSQL have had so far, in seconds. PostgreSQL runs on this
 * machine, and the pools of both sides keep their connections, so no counted process ends in between.
 */
export async function postgresProcessorSeconds(databaseUrl: string): Promise<number> {
  const processes = await run<{ pid: number }>(
    databaseUrl,
    'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
  );
  const seconds = await Promise.all(processes.map(({ pid }) => processorSeconds(pid)));
  return seconds.reduce((sum, each) => sum + each, 0);
}
