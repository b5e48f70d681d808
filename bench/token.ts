import type { Sizes } from './arguments.ts';
import { productionFlags, startChild, waitUntilReady, type Child } from './child.ts';
import { findFreePort } from '../src/development/free-port.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import type { TokenLoad, TokenLoadResult } from './processes/token-load.ts';
import { postgresTimes, secondsBetween, type ProcessorTimes } from './postgres-time.ts';
import type { Findings } from './report.ts';
import { againstSide, measureInTurn, summarize, type Comparison, type Measure } from './rounds.ts';
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
 * and decrypts it, and with a server written by hand with the same guarantees. Reports the processor time of all sides
 * and of PostgreSQL.
 */
export async function benchmarkToken(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const deployment = await createDeployment(server, sizes.connections);
  const load = startChild('processes/token-load.ts', {});
  const servers = await startTokenServers(deployment, load, sizes);
  const guaranteed = await startGuaranteed(deployment);
  await checkSameResponse(deployment.apiKey, servers.ours, guaranteed);
  const sides = { ours: servers.ours, bare: servers.reference, 'same guarantees': guaranteed };
  const comparisons: Comparison[] = [];
  const figures: Record<string, number> = {};
  try {
    for (const clients of sizes.loads) {
      const measured = Object.entries(sides).map(([label, side]) => {
        const uses: TokenUse[] = [];
        const measure: Measure = async () => {
          const order = { clients, seconds: sizes.seconds, seed: uses.length + 2 };
          const use = await measureUse(deployment, load, side, order);
          uses.push(use);
          return use.perSecond;
        };
        return { label, uses, measure };
      });
      const rates = await measureInTurn(
        sizes.rounds,
        measured.map(({ measure }) => measure),
      );
      const name = `GET token, ${sizes.connections.toLocaleString('en-US')} connections, ${clients} clients`;
      comparisons.push(summarize(name, 'tokens/s', againstSide(rates, 1)));
      comparisons.push(summarize(`${name}, same guarantees`, 'tokens/s', againstSide(rates, 2)));
      for (const { label, uses } of measured) {
        // The first use belongs to the round that does not count.
        const medianOf = (read: (use: TokenUse) => number): number => median(uses.slice(1).map(read));
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
    await guaranteed.child.stop();
    await load.stop();
  }
}

/** Starts the server that is written by hand with the same guarantees, with the flags of the service. */
async function startGuaranteed(deployment: Deployment): Promise<TokenServer> {
  const port = await findFreePort();
  const environment = { ...deployment.environment, PORT: String(port) };
  const child = startChild('processes/guaranteed-token-server.ts', environment, await productionFlags());
  await waitUntilReady(`http://127.0.0.1:${port}`);
  return { child, port };
}

/**
 * Checks that the reference with the same guarantees also sends the same headers and the same body.
 *
 * @throws Error that shows both responses
 */
async function checkSameResponse(apiKey: string, ...sides: readonly TokenServer[]): Promise<void> {
  const [ours, reference] = await Promise.all(
    sides.map(async ({ port }) => {
      const url = `http://127.0.0.1:${port}/v1/users/user-0/connections/${provider}/token`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } });
      const headers = [...response.headers.entries()].filter(([name]) => name !== 'x-request-id' && name !== 'date');
      return JSON.stringify([response.status, headers, await response.text()]);
    }),
  );
  if (ours !== reference) {
    throw new Error(`The reference responds differently.\n${ours}\n${reference}`);
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
