import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Sizes } from './arguments.ts';
import { otherCheckout } from './built.ts';
import { productionFlags, startChild, type Child } from './child.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import { postgresTimes, secondsBetween, type ProcessorTimes } from './postgres-time.ts';
import type { Findings } from './report.ts';
import { summarize, type Measure, type Round } from './rounds.ts';
import { run, type BenchServer } from './server.ts';
import { median } from './statistics.ts';

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
 * Measures how fast due connections are refreshed. Compares with a loop that makes only the calls of a refresh, and
 * with an earlier version if one is named.
 */
export async function benchmarkSweep(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const fakeProvider = startChild('processes/provider.ts', {});
  const running: { stop(): Promise<void> }[] = [fakeProvider];
  try {
    const providerUrl = await fakeProvider.call<string>({ ask: 'url' });
    const order = { fakeProvider, due: sizes.due, concurrency: sizes.concurrency };
    const sweepers = await startSweepers(await createDeployment(server, sizes.due, providerUrl), order);
    running.unshift(sweepers);
    const sides = [sweepers.ours, sweepers.reference];
    if (sizes.against !== undefined) {
      // A database of its own: the schedulers of both versions would take each other's connections.
      const former = await startOurs(await createDeployment(server, sizes.due, providerUrl), order, sizes.against);
      running.unshift(former);
      sides.push(former);
    }
    const rounds: number[][] = [];
    for (let round = -1; round < sizes.rounds; round += 1) {
      const rates: number[] = [];
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        rates[sides.indexOf(side)] = await side.measure();
      }
      rounds.push(rates);
    }
    const against = (at: number): Round[] =>
      rounds.slice(1).map((rates) => ({ ours: rates[0] ?? NaN, reference: rates[at] ?? NaN }));
    const name = `refresh of ${sizes.due.toLocaleString('en-US')} due connections, ${sizes.concurrency} at once`;
    const comparisons = ['', ', against the former version']
      .slice(0, sides.length - 1)
      .map((suffix, index) => summarize(`${name}${suffix}`, 'refreshes/s', against(index + 1)));
    const figures: Record<string, number> = {};
    for (const [index, side] of ['ours', 'bare', 'former version'].slice(0, sides.length).entries()) {
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
  const ours = await startOurs(deployment, order);
  const bare = startChild('processes/bare-sweep.ts', deployment.referenceEnvironment);
  const reference = sweeperOf(bare, deployment, order, false);
  return {
    ours,
    reference,
    stop: async () => {
      await ours.stop();
      await reference.stop();
    },
  };
}

/** Starts the worker of this version, or of another built checkout. */
async function startOurs(deployment: Deployment, order: SweepOrder, checkout?: string): Promise<Sweeper> {
  const journal = await mkdtemp(join(tmpdir(), 'cufflink-bench-journal-'));
  const settings = {
    ...deployment.environment,
    ...(checkout === undefined ? {} : { [otherCheckout]: `${resolve(checkout)}/` }),
    REFRESH_JOURNAL_DIRECTORY: journal,
    PROVIDER_CONCURRENCY: String(order.concurrency),
    // The default protects providers; here the fake provider must be the limit.
    REFRESH_RATE_PER_SECOND: '100000',
  };
  const worker = startChild('processes/sweep.ts', settings, await productionFlags());
  const sweeper = sweeperOf(worker, deployment, order, true);
  return {
    ...sweeper,
    stop: async () => {
      await sweeper.stop();
      await rm(journal, { recursive: true, force: true });
    },
  };
}

/** @param isOurs - whether the process refreshes the rows of the service, and not those of the reference */
function sweeperOf(
  child: Child,
  { databaseUrl, connections, step }: Deployment,
  { fakeProvider, due, concurrency }: SweepOrder,
  isOurs: boolean,
): Sweeper {
  const distance = Math.floor(connections / step / due) * step;
  const users = Array.from({ length: due }, (_, index) => `user-${index * distance}`);
  const uses: RefreshUse[] = [];
  const readTimes = (): Promise<[number, ProcessorTimes]> =>
    Promise.all([child.processorSeconds(), postgresTimes(databaseUrl)]);
  const measure = async (): Promise<number> => {
    // This round must not pay for the rows and pages that the last one left behind.
    await run(databaseUrl, 'VACUUM connections, reference_connections');
    await run(databaseUrl, 'CHECKPOINT');
    const issuedBefore = await fakeProvider.call<number>({ ask: 'issued' });
    const generationsBefore = isOurs ? await sumOfGenerations(databaseUrl, users) : 0;
    const before = await readTimes();
    const seconds = await child.call<number>({ users, provider, concurrency });
    const after = await readTimes();
    const issued = (await fakeProvider.call<number>({ ask: 'issued' })) - issuedBefore;
    const stored = isOurs ? (await sumOfGenerations(databaseUrl, users)) - generationsBefore : due;
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

async function sumOfGenerations(databaseUrl: string, users: readonly string[]): Promise<number> {
  const text = 'SELECT sum(secret_gen) FROM connections WHERE provider = $2 AND user_id = ANY ($1)';
  const [row] = await run<{ sum: string }>(databaseUrl, text, [users, provider]);
  return Number(row?.sum);
}
