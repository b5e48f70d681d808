import type { Sizes } from './arguments.ts';
import { startChild } from './child.ts';
import { createDeployment } from './deployment.ts';
import type { Findings } from './report.ts';
import { summarize, type Comparison, type Round } from './rounds.ts';
import type { BenchServer } from './server.ts';
import { startSweepers } from './sweep.ts';
import { startTokenServers } from './token.ts';

/**
 * Measures how both rates change as the table grows. All sizes run at once and are measured in turn within a round, so
 * that they can be compared. Between the largest and the smallest size, `reference` is our own rate at the smallest.
 */
export async function benchmarkGrowth(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const fakeProvider = startChild('processes/provider.ts', {});
  const providerUrl = await fakeProvider.call<string>({ ask: 'url' });
  const load = startChild('processes/token-load.ts', {});
  const smallest = Math.min(...sizes.growth);
  const due = Math.min(sizes.due, smallest);
  const running: { stop(): Promise<void> }[] = [load, fakeProvider];
  try {
    const tables = [];
    for (const connections of sizes.growth) {
      const deployment = await createDeployment(server, connections, providerUrl, sizes.tokenLength);
      const token = await startTokenServers(deployment, load, sizes);
      running.unshift(token);
      const sweep = await startSweepers(deployment, { fakeProvider, due, concurrency: sizes.concurrency });
      running.unshift(sweep);
      tables.push({ connections, token, sweep, tokenRounds: [] as Round[], sweepRounds: [] as Round[] });
    }
    for (let round = -1; round < sizes.rounds; round += 1) {
      for (const { token, sweep, tokenRounds, sweepRounds } of round % 2 === 0 ? tables : tables.toReversed()) {
        const tokenRound = { ours: await token.measureOurs(), reference: await token.measureReference() };
        const sweepRound = { ours: await sweep.ours.measure(), reference: await sweep.reference.measure() };
        if (round >= 0) {
          tokenRounds.push(tokenRound);
          sweepRounds.push(sweepRound);
        }
      }
    }
    const comparisons: Comparison[] = [];
    for (const { connections, tokenRounds, sweepRounds } of tables) {
      const size = connections.toLocaleString('en-US');
      comparisons.push(summarize(`GET token at ${size} connections`, 'tokens/s', tokenRounds));
      comparisons.push(summarize(`refresh of ${due} due at ${size} connections`, 'refreshes/s', sweepRounds));
    }
    const [first, last] = [tables[0], tables.at(-1)];
    if (first !== undefined && last !== undefined) {
      const against = (few: readonly Round[], many: readonly Round[]): Round[] =>
        many.map(({ ours }, index) => ({ ours, reference: few[index]?.ours ?? NaN }));
      const name = `at ${last.connections.toLocaleString('en-US')} against ${first.connections.toLocaleString('en-US')}`;
      comparisons.push(summarize(`GET token ${name}`, 'tokens/s', against(first.tokenRounds, last.tokenRounds)));
      comparisons.push(summarize(`refresh ${name}`, 'refreshes/s', against(first.sweepRounds, last.sweepRounds)));
    }
    const figures: Record<string, number> = {};
    for (const { connections, token, sweep } of tables) {
      const size = connections.toLocaleString('en-US');
      figures[`memory of the service at ${size} connections, MiB`] = await token.ours.child.residentMiB();
      figures[`memory of the refreshing process at ${size} connections, MiB`] = await sweep.ours.residentMiB();
    }
    return { benchmark: 'growth', comparisons, figures };
  } finally {
    for (const process of running) {
      await process.stop();
    }
  }
}
