import type { Sizes } from './arguments.ts';
import { productionFlags, startChild, type Child } from './child.ts';
import { createDeployment, provider } from './deployment.ts';
import type { TokenLoad, TokenLoadResult } from './processes/token-load.ts';
import type { Findings } from './report.ts';
import { median } from './statistics.ts';
import type { BenchServer } from './server.ts';
import { startTokenServers } from './token.ts';

/** The work that `processes/layered-token-server.ts` adds with each number. */
const layers = ['HTTP alone', 'API key', 'row', 'envelope', 'audit entry'];

/** A server that issues tokens. */
interface Target {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  readonly microseconds: number[];
}

/**
 * Measures the processor time of an issued token by layer, in microseconds of our process. Starts with `node:http`
 * alone and adds one part of the service after the other. Then come the whole service, and the bare server of the token
 * benchmark.
 */
export async function benchmarkLayers(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const deployment = await createDeployment(server, sizes.connections);
  const load = startChild('processes/token-load.ts', {});
  const layered = startChild('processes/layered-token-server.ts', deployment.environment, await productionFlags());
  const servers = await startTokenServers(deployment, load, sizes);
  try {
    const ports = await layered.call<number[]>({ layers: layers.length });
    const targets: Target[] = [
      ...ports.map((port, layer) => ({ name: `with ${layers[layer]}`, port, child: layered, microseconds: [] })),
      { name: 'the service', ...servers.ours, microseconds: [] },
      { name: 'the bare server', ...servers.reference, microseconds: [] },
    ];
    for (let round = -1; round < sizes.rounds; round += 1) {
      for (const { port, child, microseconds } of round % 2 === 0 ? targets : targets.toReversed()) {
        const { apiKey, connections, step } = deployment;
        const { clients, seconds } = sizes;
        const command: TokenLoad = { port, apiKey, provider, connections, step, clients, seconds, seed: round + 2 };
        const before = await child.processorSeconds();
        const { perSecond } = await load.call<TokenLoadResult>(command);
        const used = (await child.processorSeconds()) - before;
        if (round >= 0) {
          microseconds.push((used / (perSecond * seconds)) * 1e6);
        }
      }
    }
    const figures = targets.map(({ name, microseconds }) => [
      `processor time of a token, ${name}, µs`,
      median(microseconds),
    ]);
    return { benchmark: 'layers', comparisons: [], figures: Object.fromEntries(figures) as Record<string, number> };
  } finally {
    await servers.stop();
    await layered.stop();
    await load.stop();
  }
}
