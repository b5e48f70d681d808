import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sizes } from './arguments.ts';
import { productionFlags, startChild, type Child } from './child.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import type { Findings } from './report.ts';
import { compare, type Measure } from './rounds.ts';
import { run, type BenchServer } from './server.ts';

/** Both sides of the sweep on one database, with the fake provider they refresh at. */
export interface Sweepers {
  readonly measureOurs: Measure;
  readonly measureReference: Measure;
  residentMiB(): Promise<number>;
  stop(): Promise<void>;
}

/** How fast due connections are refreshed, against a loop that does no more than the calls a refresh is made of. */
export async function benchmarkSweep(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const fakeProvider = startChild('processes/provider.ts', {});
  const providerUrl = await fakeProvider.call<string>({ ask: 'url' });
  const deployment = await createDeployment(server, sizes.due, providerUrl);
  const sweepers = await startSweepers(deployment, fakeProvider, sizes.due, sizes.concurrency);
  try {
    const name = `refresh of ${sizes.due.toLocaleString('en-US')} due connections, ${sizes.concurrency} at once`;
    const { measureOurs, measureReference } = sweepers;
    const comparison = await compare(name, 'refreshes/s', sizes.rounds, measureOurs, measureReference);
    return {
      benchmark: 'sweep',
      comparisons: [comparison],
      figures: { 'memory of the process, MiB': await sweepers.residentMiB() },
    };
  } finally {
    await sweepers.stop();
    await fakeProvider.stop();
  }
}

/**
 * Starts both sides. The due connections are spread evenly over the table.
 *
 * @param fakeProvider - the process that {@link Deployment} names as token endpoint
 */
export async function startSweepers(
  deployment: Deployment,
  fakeProvider: Child,
  due: number,
  concurrency: number,
): Promise<Sweepers> {
  const { databaseUrl, environment, referenceEnvironment, connections } = deployment;
  const journal = await mkdtemp(join(tmpdir(), 'cufflink-bench-journal-'));
  const settings = {
    ...environment,
    REFRESH_JOURNAL_DIRECTORY: journal,
    PROVIDER_CONCURRENCY: String(concurrency),
    // The default protects providers; here the fake provider must be the limit.
    REFRESH_RATE_PER_SECOND: '100000',
  };
  const ours = startChild('processes/sweep.ts', settings, await productionFlags());
  const bare = startChild('processes/bare-sweep.ts', referenceEnvironment);
  const step = Math.floor(connections / due);
  const users = Array.from({ length: due }, (_, index) => `user-${index * step}`);
  const measure = (child: Child, isOurs: boolean): Measure => {
    return async () => {
      // What the round before left behind is not this one's.
      await run(databaseUrl, 'VACUUM connections, reference_connections');
      await run(databaseUrl, 'CHECKPOINT');
      const issuedBefore = await fakeProvider.call<number>({ ask: 'issued' });
      const generationsBefore = isOurs ? await sumOfGenerations(databaseUrl) : 0;
      const seconds = await child.call<number>({ users, provider, concurrency });
      const issued = (await fakeProvider.call<number>({ ask: 'issued' })) - issuedBefore;
      const stored = isOurs ? (await sumOfGenerations(databaseUrl)) - generationsBefore : due;
      if (issued !== due || stored !== due) {
        throw new Error(`Of ${due} due connections ${issued} were refreshed and ${stored} stored.`);
      }
      return due / seconds;
    };
  };
  return {
    measureOurs: measure(ours, true),
    measureReference: measure(bare, false),
    residentMiB: () => ours.residentMiB(),
    stop: async () => {
      await ours.stop();
      await bare.stop();
      await rm(journal, { recursive: true, force: true });
    },
  };
}

async function sumOfGenerations(databaseUrl: string): Promise<number> {
  const [row] = await run<{ sum: string }>(databaseUrl, 'SELECT sum(secret_gen) FROM connections');
  return Number(row?.sum);
}
