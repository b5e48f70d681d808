import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Sizes } from './arguments.ts';
import { otherCheckout } from './built.ts';
import { productionFlags, startChild, type Child } from './child.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import { postgresTimes, secondsBetween, type ProcessorTimes } from './postgres-time.ts';
import type { Findings } from './report.ts';
import { againstSide, measureInTurn, summarize, type Measure } from './rounds.ts';
import { run, type BenchServer } from './server.ts';
import { median } from './statistics.ts';

/** A command for a refreshing process: first to make connections due, which is not measured, then to refresh them. */
export interface SweepCommand {
  readonly task: 'make due' | 'refresh';
  readonly users: readonly string[];
  readonly provider: string;
  /** Most refreshes at once; the service has a setting for it. */
  readonly concurrency: number;
}

/** Processor time of one side for the refreshes of one round. */
interface RefreshUse {
  /** Processor time of the side's process for one refresh, in microseconds. */
  readonly ownMicroseconds: number;
  /** The same of PostgreSQL. */
  readonly postgresMicroseconds: number;
}

/** One process that refreshes, and what each of its rounds has cost. */
export interface Sweeper {
  readonly measure: Measure;
  readonly uses: readonly RefreshUse[];
  residentMiB(): Promise<number>;
  stop(): Promise<void>;
}

/** Both sides of the sweep on one database. */
export interface Sweepers {
  readonly ours: Sweeper;
  readonly reference: Sweeper;
  stop(): Promise<void>;
}

interface SweepOrder {
  readonly fakeProvider: Child;
  readonly due: number;
  readonly concurrency: number;
}

/**
 * Measures how fast due connections are refreshed. Compares with a loop that makes only the calls of a refresh, with a
 * sweep written by hand with the same guarantees, and with an earlier version if one is named.
 */
export async function benchmarkSweep(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const fakeProvider = startChild('processes/provider.ts', {});
  const running: { stop(): Promise<void> }[] = [fakeProvider];
  try {
    const providerUrl = await fakeProvider.call<string>({ ask: 'url' });
    const order = { fakeProvider, due: sizes.due, concurrency: sizes.concurrency };
    const deployment = await createDeployment(server, sizes.due, providerUrl);
    const sweepers = await startSweepers(deployment, order);
    running.unshift(sweepers);
    const guaranteed = await startJournaled('guaranteed-sweep.ts', 'guaranteed_connections', deployment, order);
    running.unshift(guaranteed);
    const sides = [sweepers.ours, sweepers.reference, guaranteed];
    if (sizes.against !== undefined) {
      // A database of its own: the schedulers of both versions would take each other's connections.
      const other = await createDeployment(server, sizes.due, providerUrl);
      const former = await startJournaled('sweep.ts', 'connections', other, order, sizes.against);
      running.unshift(former);
      sides.push(former);
    }
    const rates = await measureInTurn(
      sizes.rounds,
      sides.map(({ measure }) => measure),
    );
    const name = `refresh of ${sizes.due.toLocaleString('en-US')} due connections, ${sizes.concurrency} at once`;
    const comparisons = ['', ', same guarantees', ', against the former version']
      .slice(0, sides.length - 1)
      .map((suffix, index) => summarize(`${name}${suffix}`, 'refreshes/s', againstSide(rates, index + 1)));
    const figures: Record<string, number> = {};
    for (const [index, side] of ['ours', 'bare', 'same guarantees', 'former version']
      .slice(0, sides.length)
      .entries()) {
      // The first use belongs to the round that does not count.
      const uses = sides[index]?.uses.slice(1) ?? [];
      const medianOf = (read: (use: RefreshUse) => number): number => median(uses.map(read));
      figures[`processor time of a refresh, ${side}, µs`] = medianOf((use) => use.ownMicroseconds);
      figures[`processor time of PostgreSQL for a refresh, ${side}, µs`] = medianOf((use) => use.postgresMicroseconds);
    }
    figures['memory of the process, MiB'] = await sweepers.ours.residentMiB();
    return { benchmark: 'sweep', comparisons, figures };
  } finally {
    for (const each of running) {
      await each.stop();
    }
  }
}

/** Starts both sides. The due connections are spread evenly over the table. */
export async function startSweepers(deployment: Deployment, order: SweepOrder): Promise<Sweepers> {
  const ours = await startJournaled('sweep.ts', 'connections', deployment, order);
  const bare = startChild('processes/bare-sweep.ts', deployment.referenceEnvironment);
  const reference = sweeperOf(bare, undefined, deployment, order);
  return {
    ours,
    reference,
    stop: async () => {
      await ours.stop();
      await reference.stop();
    },
  };
}

/**
 * Starts the worker of this version or of another built checkout, or the reference with its guarantees.
 *
 * @param table - of the rows that it refreshes
 */
async function startJournaled(
  file: 'sweep.ts' | 'guaranteed-sweep.ts',
  table: string,
  deployment: Deployment,
  order: SweepOrder,
  checkout?: string,
): Promise<Sweeper> {
  const journal = await mkdtemp(join(tmpdir(), 'cufflink-bench-journal-'));
  const settings = {
    ...deployment.environment,
    ...(checkout === undefined ? {} : { [otherCheckout]: `${resolve(checkout)}/` }),
    REFRESH_JOURNAL_DIRECTORY: journal,
    PROVIDER_CONCURRENCY: String(order.concurrency),
    // The default protects providers; here the fake provider must be the limit.
    REFRESH_RATE_PER_SECOND: '100000',
  };
  const worker = startChild(`processes/${file}`, settings, await productionFlags());
  // The response comes when the process is ready.
  const nothing = { task: 'make due', users: [], provider, concurrency: order.concurrency } satisfies SweepCommand;
  await worker.call(nothing);
  const sweeper = sweeperOf(worker, table, deployment, order);
  return {
    ...sweeper,
    stop: async () => {
      await sweeper.stop();
      await rm(journal, { recursive: true, force: true });
    },
  };
}

/** @param table - of the rows that the process refreshes, if they have generations */
function sweeperOf(
  child: Child,
  table: string | undefined,
  { databaseUrl, connections, step }: Deployment,
  { fakeProvider, due, concurrency }: SweepOrder,
): Sweeper {
  const distance = Math.floor(connections / step / due) * step;
  const users = Array.from({ length: due }, (_, index) => `user-${index * distance}`);
  const uses: RefreshUse[] = [];
  const readTimes = (): Promise<[number, ProcessorTimes]> =>
    Promise.all([child.processorSeconds(), postgresTimes(databaseUrl)]);
  const measure = async (): Promise<number> => {
    const order = { users, provider, concurrency };
    // This round must not pay for the rows and pages that the last one left behind.
    await run(databaseUrl, `VACUUM ${table ?? 'reference_connections'}`);
    await run(databaseUrl, 'CHECKPOINT');
    const issuedBefore = await fakeProvider.call<number>({ ask: 'issued' });
    const generationsBefore = await sumOfGenerations(databaseUrl, table, users);
    // Last, because the scheduler may look for due connections on its own.
    await child.call({ task: 'make due', ...order } satisfies SweepCommand);
    const before = await readTimes();
    const seconds = await child.call<number>({ task: 'refresh', ...order } satisfies SweepCommand);
    const after = await readTimes();
    const issued = (await fakeProvider.call<number>({ ask: 'issued' })) - issuedBefore;
    const generations = await sumOfGenerations(databaseUrl, table, users);
    const stored = table === undefined ? due : generations - generationsBefore;
    if (issued !== due || stored !== due) {
      throw new Error(`Of ${due} due connections ${issued} were refreshed and ${stored} stored.`);
    }
    const microseconds = (used: number): number => (used / due) * 1e6;
    uses.push({
      ownMicroseconds: microseconds(after[0] - before[0]),
      postgresMicroseconds: microseconds(secondsBetween(before[1], after[1])),
    });
    return due / seconds;
  };
  return { measure, uses, residentMiB: () => child.residentMiB(), stop: () => child.stop() };
}

/** @returns 0 without a table */
async function sumOfGenerations(
  databaseUrl: string,
  table: string | undefined,
  users: readonly string[],
): Promise<number> {
  if (table === undefined) {
    return 0;
  }
  const text = `SELECT sum(secret_gen) FROM ${table} WHERE provider = $2 AND user_id = ANY ($1)`;
  const [row] = await run<{ sum: string }>(databaseUrl, text, [users, provider]);
  return Number(row?.sum);
}
