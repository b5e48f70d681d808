/**
 * Measures the cost of single requests: processor time of each, and the time of `/health/live` beside them. Sends
 * requests of one kind at a time over a few connections.
 *
 * Usage: npm run build && node bench/costly-requests.ts [--against <built checkout>] [--rounds 3] [--seconds 2]
 *   [--connections 8] [--bodies 16000] [--only <part of a name>]
 *
 * `--against` names a checkout of an earlier version, with node_modules and dist. Both versions are measured in turn,
 * each round in the other order, after a round that does not count. The table has the medians.
 *
 * BENCH_DATABASE_URL names a PostgreSQL to use, as a superuser, instead of an embedded one.
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { findFreePort } from '../src/development/free-port.ts';
import { waitUntilReady, type Child } from './child.ts';
import { forEachConcurrently } from './concurrency.ts';
import { costlyRequests, type CostlyRequest } from './costly-kinds.ts';
import { startLogin } from './login.ts';
import { startServer, type BenchServer } from './server.ts';
import { median, quantile } from './statistics.ts';

/** One version of the service, running. */
interface Version {
  readonly service: Child;
  readonly url: string;
  readonly apiKey: string;
}

interface Cost {
  readonly status: number;
  readonly processorMs: number;
  /** 95 of 100 responses of `/health/live` beside the requests took no longer. */
  readonly liveP95Ms: number;
}

const count = (text: string): number => Number.parseInt(text, 10);
const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '8' },
    // 64 KiB, the largest body that any call takes, hold this many of `{},`.
    bodies: { type: 'string', default: '16000' },
    only: { type: 'string', default: '' },
  },
});
const connections = count(values.connections);
/** The default of the service. */
const addressLimit = 600;
/** Enough that none of them reaches its limit. */
const addresses = 1_000;
let sent = 0;
let attackers = 0;

const server = await startServer(process.env['BENCH_DATABASE_URL']);
const login = await startLogin();
const versions: Version[] = [];
try {
  const own = new URL('..', import.meta.url);
  const former = values.against === undefined ? [] : [pathToFileURL(`${resolve(values.against)}/`)];
  for (const checkout of [...former, own]) {
    versions.push(await startVersion(checkout, server, login.environment));
  }
  const all = costlyRequests(count(values.bodies), () => login.forgeToken());
  const kinds = all.filter(({ name }) => name.includes(values.only));
  const costs = new Map<CostlyRequest, Cost[][]>(kinds.map((kind) => [kind, versions.map(() => [])]));
  for (let round = -1; round < count(values.rounds); round += 1) {
    for (const [kind, costsOfVersions] of costs) {
      const order = versions.map((version, index) => ({ version, costs: costsOfVersions[index] }));
      for (const each of round % 2 === 0 ? order : order.reverse()) {
        const cost = await measure(each.version, kind);
        if (round >= 0) {
          each.costs?.push(cost);
        }
      }
    }
  }
  print(costs);
} finally {
  await Promise.all(versions.map(({ service }) => service.stop()));
  await login.stop();
  await server.stop();
}

/** Starts the service of a checkout, with the code of that checkout for its database. */
async function startVersion(
  checkout: URL,
  database: BenchServer,
  userTokens: Readonly<Record<string, string>>,
): Promise<Version> {
  const load = (file: string): Promise<unknown> => import(new URL(`bench/${file}`, checkout).href);
  const { createDeployment } = (await load('deployment.ts')) as typeof import('./deployment.ts');
  const { productionFlags, startChild } = (await load('child.ts')) as typeof import('./child.ts');
  const deployment = await createDeployment(database, 1);
  const port = await findFreePort();
  const settings = {
    NODE_ENV: 'production',
    LINK_CONFIRMATION: 'optional',
    API_DOCS: 'on',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_ADDRESS_PER_MINUTE: String(addressLimit),
    RATE_LIMIT_USER_PER_MINUTE: '0',
    // The requests name the address that they come from.
    TRUSTED_PROXIES: '127.0.0.1',
    STRAVA_TOKEN_URL: 'https://provider.invalid/token',
    PORT: String(port),
  };
  const environment = { ...deployment.environment, ...userTokens, ...settings };
  const service = startChild('processes/service.js', environment, await productionFlags());
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(url);
  return { service, url, apiKey: deployment.apiKey };
}

async function measure({ service, url, apiKey }: Version, request: CostlyRequest): Promise<Cost> {
  const { method, path, body = null, makeToken = () => apiKey, isOverLimit = false } = request;
  const pool = new Pool(url, { connections, pipelining: 1 });
  const others = new Pool(url, { connections: 1 });
  const statuses = new Set<number>();
  attackers += 1;
  const attacker = toAddress(172, attackers);
  const send = async (): Promise<void> => {
    sent += 1;
    const headers = {
      authorization: `Bearer ${makeToken()}`,
      'content-type': 'application/json',
      'x-forwarded-for': isOverLimit ? attacker : toAddress(10, sent % addresses),
    };
    const response = await pool.request({ method, path, headers, body });
    statuses.add(response.statusCode);
    await response.body.dump({ limit: 16 * 1024 * 1024 });
  };
  await forEachConcurrently(Array.from({ length: isOverLimit ? addressLimit + 1 : 1 }), connections, send);
  statuses.clear();
  const times: number[] = [];
  const ended = new AbortController();
  const timing = (async () => {
    while (!ended.signal.aborted) {
      const startedAt = performance.now();
      await (await others.request({ method: 'GET', path: '/health/live' })).body.dump();
      times.push(performance.now() - startedAt);
      await sleep(2);
    }
  })();
  const before = await service.processorSeconds();
  const endAt = performance.now() + count(values.seconds) * 1_000;
  let requests = 0;
  const attack = async (): Promise<void> => {
    while (performance.now() < endAt) {
      await send();
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, attack));
  const processorMs = ((await service.processorSeconds()) - before) * 1_000;
  ended.abort();
  await timing;
  await Promise.all([pool.close(), others.close()]);
  return { status: Math.max(...statuses), processorMs: processorMs / requests, liveP95Ms: quantile(times, 0.95) };
}

function toAddress(network: number, host: number): string {
  return [network, host >> 16, (host >> 8) & 0xff, host & 0xff].join('.');
}

/** Prints a Markdown table; a cell has the figures of both versions, the earlier one first. */
function print(costs: ReadonlyMap<CostlyRequest, readonly (readonly Cost[])[]>): void {
  const lines = ['| request | status | processor ms each | `/health/live` p95 ms |', '|---|---|---|---|'];
  for (const [{ name }, versionCosts] of costs) {
    const cell = (digits: number, read: (cost: Cost) => number): string =>
      versionCosts.map((rounds) => median(rounds.map(read)).toFixed(digits)).join(' → ');
    const figures = [
      cell(0, ({ status }) => status),
      cell(2, ({ processorMs }) => processorMs),
      cell(1, ({ liveP95Ms }) => liveP95Ms),
    ];
    lines.push(`| ${[name, ...figures].join(' | ')} |`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
