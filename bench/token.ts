import type { Sizes } from './arguments.ts';
import { productionFlags, startChild, waitUntilReady, type Child } from './child.ts';
import { findFreePort } from '../src/development/free-port.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import type { TokenLoad, TokenLoadResult } from './processes/token-load.ts';
import { postgresTimes, secondsBetween, type ProcessorTimes } from './postgres-time.ts';
import type { Findings } from './report.ts';
import { compare, type Comparison, type Measure } from './rounds.ts';
import { median } from './statistics.ts';
import type { BenchServer } from './server.ts';

/** A process that hands tokens out over HTTP. */
export interface TokenServer {
  readonly child: Child;
  readonly port: number;
}

/** The service and the bare server on one database, both running. */
export interface TokenServers {
  readonly ours: TokenServer;
  readonly reference: TokenServer;
  readonly measureOurs: Measure;
  readonly measureReference: Measure;
  stop(): Promise<void>;
}

/** Processor time of one side for its tokens during one measurement. */
interface TokenUse extends TokenLoadResult {
  /** Processor time of the server for one token, in microseconds. */
  readonly ownMicroseconds: number;
  /** The same of PostgreSQL. */
  readonly postgresMicroseconds: number;
}

/**
 * Measures how fast tokens are issued, once for each number of clients. Compares with a bare server that selects a row
 * and decrypts it. Reports the processor time of both sides and of PostgreSQL.
 */
export async function benchmarkToken(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const deployment = await createDeployment(server, sizes.connections);
  const load = startChild('processes/token-load.ts', {});
  const servers = await startTokenServers(deployment, load, sizes);
  const comparisons: Comparison[] = [];
  const figures: Record<string, number> = {};
  try {
    for (const clients of sizes.loads) {
      const uses = { ours: [] as TokenUse[], reference: [] as TokenUse[] };
      const measure = (side: keyof typeof uses): Measure => {
        return async () => {
          const order = { clients, seconds: sizes.seconds, seed: uses[side].length + 2 };
          const use = await measureUse(deployment, load, servers[side], order);
          uses[side].push(use);
          return use.perSecond;
        };
      };
      const name = `GET token, ${sizes.connections.toLocaleString('en-US')} connections, ${clients} clients`;
      comparisons.push(await compare(name, 'tokens/s', sizes.rounds, measure('ours'), measure('reference')));
      for (const [side, label] of [
        ['ours', 'ours'],
        ['reference', 'bare'],
      ] as const) {
        // The first use belongs to the round that does not count.
        const medianOf = (read: (use: TokenUse) => number): number => median(uses[side].slice(1).map(read));
        const of = `${clients} clients, ${label}`;
        figures[`processor time of a token, ${of}, µs`] = medianOf((use) => use.ownMicroseconds);
        figures[`processor time of PostgreSQL for a token, ${of}, µs`] = medianOf((use) => use.postgresMicroseconds);
        figures[`p50, ${of}, ms`] = medianOf((use) => use.medianMs);
        figures[`p99, ${of}, ms`] = medianOf((use) => use.p99Ms);
      }
    }
    figures['memory of the service, MiB'] = await servers.ours.child.residentMiB();
    return { benchmark: 'token', comparisons, figures };
  } finally {
    await servers.stop();
    await load.stop();
  }
}

/** Asks one side for tokens and returns what they cost. Both sides of a round have the same seed, so the same users. */
async function measureUse(
  { databaseUrl, apiKey, connections, step }: Deployment,
  load: Child,
  { child, port }: TokenServer,
  { clients, seconds, seed }: Pick<TokenLoad, 'clients' | 'seconds' | 'seed'>,
): Promise<TokenUse> {
  const command: TokenLoad = { port, apiKey, provider, connections, step, clients, seconds, seed };
  const readTimes = (): Promise<[number, ProcessorTimes]> =>
    Promise.all([child.processorSeconds(), postgresTimes(databaseUrl)]);
  const before = await readTimes();
  const result = await load.call<TokenLoadResult>(command);
  const after = await readTimes();
  const perToken = (used: number): number => (used / (result.perSecond * seconds)) * 1e6;
  return {
    ...result,
    ownMicroseconds: perToken(after[0] - before[0]),
    postgresMicroseconds: perToken(secondsBetween(before[1], after[1])),
  };
}

/** Starts both sides on a database. */
export async function startTokenServers(deployment: Deployment, load: Child, sizes: Sizes): Promise<TokenServers> {
  const servicePort = await findFreePort();
  const environment = {
    ...deployment.environment,
    NODE_ENV: 'production',
    LINK_CONFIRMATION: 'optional',
    STRAVA_TOKEN_URL: 'https://provider.invalid/token',
    PORT: String(servicePort),
  };
  const service = startChild('processes/service.js', environment, await productionFlags());
  const barePort = await findFreePort();
  const bare = startChild('processes/bare-token-server.ts', {
    ...deployment.referenceEnvironment,
    PORT: String(barePort),
  });
  await waitUntilReady(`http://127.0.0.1:${servicePort}`);
  await waitUntilReady(`http://127.0.0.1:${barePort}`);
  const ours = { child: service, port: servicePort };
  const reference = { child: bare, port: barePort };
  const measure = (server: TokenServer): Measure => {
    let seed = 1;
    return async () => {
      seed += 1;
      const { clients, seconds } = sizes;
      return (await measureUse(deployment, load, server, { clients, seconds, seed })).perSecond;
    };
  };
  return {
    ours,
    reference,
    measureOurs: measure(ours),
    measureReference: measure(reference),
    stop: async () => {
      await service.stop();
      await bare.stop();
    },
  };
}
