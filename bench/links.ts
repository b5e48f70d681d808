import type { Sizes } from './arguments.ts';
import { startChild, waitUntilReady } from './child.ts';
import { findFreePort } from '../src/development/free-port.ts';
import { createDeployment, provider } from './deployment.ts';
import type { LinkLoad } from './processes/link-load.ts';
import type { Findings } from './report.ts';
import { compare } from './rounds.ts';
import type { BenchServer } from './server.ts';

/**
 * How many links are started and called back a second over HTTP, against a loop of the statements and the exchange
 * alone.
 */
export async function benchmarkLinks(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const fakeProvider = startChild('processes/provider.ts', {});
  const deployment = await createDeployment(server, sizes.links, await fakeProvider.call<string>({ ask: 'url' }));
  const port = await findFreePort();
  const service = startChild('processes/service.js', { ...deployment.environment, PORT: String(port) });
  const load = startChild('processes/link-load.ts', {});
  const bare = startChild('processes/bare-links.ts', deployment.referenceEnvironment);
  const { apiKey } = deployment;
  const url = `http://127.0.0.1:${port}`;
  let linked = 0;
  const newUsers = (): string[] => Array.from({ length: sizes.links }, () => `new-user-${(linked += 1)}`);
  const { concurrency } = sizes;
  try {
    await waitUntilReady(url);
    const comparison = await compare(
      `link and callback, ${concurrency} at once`,
      'links/s',
      sizes.rounds,
      async () => {
        const command: LinkLoad = { url, apiKey, provider, users: newUsers(), concurrency };
        return sizes.links / (await load.call<number>(command));
      },
      async () => sizes.links / (await bare.call<number>({ users: newUsers(), concurrency })),
    );
    return { benchmark: 'links', comparisons: [comparison], figures: {} };
  } finally {
    await load.stop();
    await service.stop();
    await bare.stop();
    await fakeProvider.stop();
  }
}
