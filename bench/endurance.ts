/**
 * Measures one process of the service over minutes: memory under a constant load of token calls, then with thousands of
 * idle connections beside it.
 *
 * Usage: npm run bench:endurance [-- --minutes 10] [--sockets 10000]
 *
 * Both the service and the process that opens the connections need a descriptor for each: see `ulimit -n`.
 */
import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { findFreePort } from '../src/development/free-port.ts';
import { productionFlags, startChild, waitUntilReady } from './child.ts';
import { createDeployment, provider } from './deployment.ts';
import type { IdleSockets, IdleSocketsResult } from './processes/idle-sockets.ts';
import type { TokenLoad, TokenLoadResult } from './processes/token-load.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, sockets: { type: 'string', default: '10000' } },
});
const minutes = Number(values.minutes);
const count = Number(values.sockets);
const clients = 16;
const connections = 10_000;

const server = await startServer(process.env['BENCH_DATABASE_URL']);
const load = startChild('processes/token-load.ts', {});
const idle = startChild('processes/idle-sockets.ts', {});
try {
  const deployment = await createDeployment(server, connections);
  const port = await findFreePort();
  const environment = {
    ...deployment.environment,
    NODE_ENV: 'production',
    LINK_CONFIRMATION: 'optional',
    STRAVA_TOKEN_URL: 'https://provider.invalid/token',
    PORT: String(port),
  };
  const service = startChild('processes/service.js', environment, await productionFlags());
  const { processId } = service;
  try {
    await waitUntilReady(`http://127.0.0.1:${port}`);
    const ask = (seconds: number, seed: number): Promise<TokenLoadResult> => {
      const { apiKey, step } = deployment;
      const command: TokenLoad = { port, apiKey, provider, connections, step, clients, seconds, seed };
      return load.call<TokenLoadResult>(command);
    };
    const print = async (what: string, result?: TokenLoadResult): Promise<void> => {
      const memory = `${(await service.residentMiB()).toFixed(0)} MiB`;
      const speed =
        result === undefined
          ? ''
          : `, ${result.perSecond.toFixed(0)} tokens/s, median ${result.medianMs.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms`;
      process.stdout.write(`${what}: ${memory}${speed}\n`);
    };
    await print('ready');
    for (let minute = 1; minute <= minutes; minute += 1) {
      await print(`after ${minute} min of load`, await ask(60, minute));
    }
    const before = await descriptorsOf(processId);
    const command: IdleSockets = { port, count };
    const { open } = await idle.call<IdleSocketsResult>(command);
    const further = (await descriptorsOf(processId)) - before;
    await print(`with ${open} idle sockets (${further} descriptors more, limit ${await limitOf(processId)})`);
    await print('the same under load', await ask(10, minutes + 1));
    const { open: left } = await idle.call<IdleSocketsResult>({ port, count });
    process.stdout.write(`idle sockets still open after the load: ${left}\n`);
  } finally {
    await service.stop();
  }
} finally {
  await idle.stop();
  await load.stop();
  await server.stop();
}

async function descriptorsOf(processId: number): Promise<number> {
  return (await readdir(`/proc/${processId}/fd`)).length;
}

async function limitOf(processId: number): Promise<string> {
  const limits = await readFile(`/proc/${processId}/limits`, 'utf8');
  return /^Max open files +(\d+)/m.exec(limits)?.[1] ?? 'unknown';
}
