/**
 * Measures what single requests cost the service: processor time of each, and how long `/health/live` takes beside them. Send the
 * requests of one kind by themselves over a few connections; compare a version with the one before it.
 *
 * Usage: npm run build && node bench/costly-requests.ts [--requests 200] [--connections 8] [--bodies 16000]
 *
 * BENCH_DATABASE_URL names a PostgreSQL to use, as a superuser, instead of an embedded one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { findFreePort } from '../src/development/free-port.ts';
import { productionFlags, startChild, waitUntilReady, type Child } from './child.ts';
import { forEachConcurrently } from './concurrency.ts';
import { createDeployment } from './deployment.ts';
import { startServer } from './server.ts';
import { quantile } from './statistics.ts';

interface CostlyRequest {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

interface Cost {
  readonly status: number;
  readonly processorMs: number;
  /** How long the probe took beside the requests, 95 of 100 times. */
  readonly probeP95Ms: number;
}

const count = (text: string): number => Number.parseInt(text, 10);
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200' },
    connections: { type: 'string', default: '8' },
    // 64 KiB, the largest body that any call takes, hold so many of `{},`.
    bodies: { type: 'string', default: '16000' },
  },
});
const requests = count(values.requests);
const connections = count(values.connections);
const size = count(values.bodies);

const link = '/v1/users/user-0/connections/strava/link';
const nested = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);
const kinds: readonly CostlyRequest[] = [
  { name: '/health/live', method: 'GET', path: '/health/live' },
  { name: 'no such call', method: 'GET', path: '/nothing' },
  { name: '/docs', method: 'GET', path: '/docs' },
  { name: '/docs-json', method: 'GET', path: '/docs-json' },
  { name: '/docs-yaml', method: 'GET', path: '/docs-yaml' },
  { name: '/docs/swagger-ui-init.js', method: 'GET', path: '/docs/swagger-ui-init.js' },
  { name: '/docs/swagger-ui-bundle.js', method: 'GET', path: '/docs/swagger-ui-bundle.js' },
  { name: '/v1/providers', method: 'GET', path: '/v1/providers' },
  {
    name: 'link, deep JSON',
    method: 'POST',
    path: link,
    body: `{"return_url":${nested('{"":', '}', Math.floor((size * 13) / 16)).replace(':}', ':0}')}}`,
  },
  {
    name: 'link, 2000 levels',
    method: 'POST',
    path: link,
    body: `{"return_url":${nested('[', ']', 1_999)}}`,
  },
  {
    name: 'link, wide JSON',
    method: 'POST',
    path: link,
    body: `{"scopes":[${Array.from({ length: size }, () => '{}').join(',')}]}`,
  },
  {
    name: 'callback, many JSON keys',
    method: 'POST',
    path: '/v1/oauth/strava/callback',
    body: `{"constructor":1,${Array.from({ length: Math.floor(size / 3) }, (_, index) => `"${index}":1`).join(',')}}`,
  },
];

const server = await startServer(process.env['BENCH_DATABASE_URL']);
let service: Child | undefined;
try {
  const deployment = await createDeployment(server, 1);
  const port = await findFreePort();
  const settings = {
    NODE_ENV: 'production',
    API_DOCS: 'on',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_USER_PER_MINUTE: '0',
    STRAVA_TOKEN_URL: 'https://maker.invalid/token',
  };
  const environment = { ...deployment.environment, ...settings, PORT: String(port) };
  service = startChild('processes/service.js', environment, await productionFlags());
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(url);
  process.stdout.write(`${'request'.padEnd(28)}  status  processor ms each  probe p95 ms\n`);
  for (const kind of kinds) {
    const { status, processorMs, probeP95Ms } = await measure(service, url, kind, deployment.apiKey);
    const figures = [
      String(status).padStart(6),
      processorMs.toFixed(2).padStart(17),
      probeP95Ms.toFixed(1).padStart(12),
    ];
    process.stdout.write(`${kind.name.padEnd(28)}  ${figures.join('  ')}\n`);
  }
} finally {
  await service?.stop();
  await server.stop();
}

async function measure(child: Child, url: string, request: CostlyRequest, apiKey: string): Promise<Cost> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const probes = new Pool(url, { connections: 1 });
  const statuses = new Set<number>();
  const send = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const { method, path, body } = request;
    const answer = await pool.request({ method, path, headers, body: body ?? null });
    statuses.add(answer.statusCode);
    await answer.body.dump({ limit: 16 * 1024 * 1024 });
  };
  await send();
  const times: number[] = [];
  const ended = new AbortController();
  const probing = (async () => {
    while (!ended.signal.aborted) {
      const startedAt = performance.now();
      await (await probes.request({ method: 'GET', path: '/health/live' })).body.dump();
      times.push(performance.now() - startedAt);
      await sleep(2);
    }
  })();
  const before = await child.processorSeconds();
  await forEachConcurrently(Array.from({ length: requests }), connections, send);
  const processorMs = ((await child.processorSeconds()) - before) * 1_000;
  ended.abort();
  await probing;
  await Promise.all([pool.close(), probes.close()]);
  return { status: Math.max(...statuses), processorMs: processorMs / requests, probeP95Ms: quantile(times, 0.95) };
}
