import type { DataSource, QueryRunner } from 'typeorm';
import { checkNodes, citusSteps } from './citus-steps.js';
import { DistributionError, type DistributionStep } from './distribution-step.js';
import { hasCitus } from './is-distributed.js';
import { partitionStep } from './partition-steps.js';

export interface DistributionOptions {
  /** Parts of each distributed table on Citus. It cannot grow beyond as many nodes. */
  readonly shards: number;
  /** Called before each step and after the last: how much of the work is done, of how much, and the next step. */
  readonly onProgress?: (done: number, all: number, text: string) => void;
}

/**
 * Distributes the tables over the nodes of Citus where the extension is, or else over partitions of this server. Each
 * step is one transaction. An interrupted run is continued by the next one; nothing happens where all steps are done.
 *
 * @returns the steps that it did
 * @throws DistributionError when a process of the service runs, or the database is not ready
 */
export async function distribute(
  dataSource: DataSource,
  { shards, onProgress }: DistributionOptions,
): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const onCitus = await hasCitus((text) => runner.query(text));
    const steps = onCitus ? citusSteps(shards) : [partitionStep];
    const sizes = await countRows(runner, steps);
    // A step without rows is work too.
    const all = sizes.reduce((total, size) => total + size + 1, 0);
    const done: string[] = [];
    let moved = 0;
    for (const [place, step] of steps.entries()) {
      if (!(await step.isDone(runner))) {
        if (onCitus) {
          await checkNodes(runner);
        }
        onProgress?.(moved, all, `${step.text}: ${sizes[place]} rows`);
        await runAlone(runner, step);
        done.push(step.text);
      }
      moved += (sizes[place] ?? 0) + 1;
    }
    onProgress?.(all, all, 'distributed');
    return done;
  } finally {
    await runner.release();
  }
}

/**
 * Runs a step while no process runs or starts: a running one would not know that another table guards accounts now. A
 * process registers in `vault_replicas` when it starts, and waits for this transaction there.
 */
async function runAlone(runner: QueryRunner, step: DistributionStep): Promise<void> {
  await runner.startTransaction();
  try {
    await runner.query('LOCK TABLE vault_replicas IN EXCLUSIVE MODE');
    const running = (await runner.query('SELECT 1 FROM vault_replicas WHERE live_until > now()')) as unknown[];
    if (running.length > 0) {
      throw new DistributionError(
        `Processes of the service run (${running.length}). Stop all of them first. ` +
          'A process that was killed counts for three more periods of KEY_RELOAD_SECONDS.',
      );
    }
    await step.run(runner);
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  }
}

/** Returns the rows of each step, as the planner estimates them. It knows nothing of a table that was never analyzed. */
async function countRows(runner: QueryRunner, steps: readonly DistributionStep[]): Promise<number[]> {
  const rows = (await runner.query(
    'SELECT relname AS name, greatest(reltuples, 0)::float8 AS rows FROM pg_class WHERE oid = ANY ($1::regclass[])',
    [steps.flatMap(({ tables }) => tables)],
  )) as { name: string; rows: number }[];
  return steps.map(({ tables }) =>
    rows.filter(({ name }) => tables.includes(name)).reduce((total, { rows: count }) => total + count, 0),
  );
}
