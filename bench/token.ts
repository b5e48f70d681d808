import type { Sizes } from './arguments.ts';
import { productionFlags, startChild, waitUntilReady, type Child } from './child.ts';
import { findFreePort } from '../src/development/free-port.ts';
import { createDeployment, provider, type Deployment } from './deployment.ts';
import type { TokenLoad, TokenLoadResult } from './processes/token-load.ts';
import type { Findings } from './report.ts';
import { compare, type Measure } from './rounds.ts';
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

/** How fast tokens are handed out, against a bare server that selects a row and decrypts it. */
export async function benchmarkToken(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const deployment = await createDeployment(server, sizes.connections);
  const load = startChild('processes/token-load.ts', {});
  const servers = await startTokenServers(deployment, load, sizes);
  try {
    const comparison = await compare(
      `GET token, ${sizes.connections.toLocaleString('en-US')} connections, ${sizes.clients} clients`,
      'tokens/s',
      sizes.rounds,
      servers.measureOurs,
      servers.measureReference,
    );
    return {
      benchmark: 'token',
      comparisons: [comparison],
      figures: { 'memory of the service, MiB': await servers.ours.child.residentMiB() },
    };
  } finally {
    await servers.stop();
    await load.stop();
  }
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
  const measure = (port: number): Measure => {
    let seed = 1;
    return async () => {
      const { apiKey, connections } = deployment;
      const { clients, seconds } = sizes;
      seed += 1;
      const command: TokenLoad = { port, apiKey, provider, connections, clients, seconds, seed };
      return (await load.call<TokenLoadResult>(command)).perSecond;
    };
  };
  return {
    ours: { child: service, port: servicePort },
    reference: { child: bare, port: barePort },
    measureOurs: measure(servicePort),
    measureReference: measure(barePort),
    stop: async () => {
      await service.stop();
      await bare.stop();
    },
  };
}
