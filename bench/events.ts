/**
 * Measures the delay of events that are written at a steady rate, placed in the stream and delivered to one endpoint.
 * Then measures it again with a slow endpoint beside.
 *
 * Usage: npm run build && node bench/events.ts [--rate 1000] [--seconds 60] [--slow 2000]
 *
 * `--rate` is events in a second, `--slow` how long the slow endpoint takes for each response, in milliseconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findFreePort } from '../src/development/free-port.ts';
import { productionFlags, startChild, waitUntilReady, type Child } from './child.ts';
import { createDeployment } from './deployment.ts';
import { startServer } from './server.ts';
import { quantile } from './statistics.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    slow: { type: 'string', default: '2000' },
  },
});
const [rate, seconds, slowMs] = [Number(values.rate), Number(values.seconds), Number(values.slow)];
/** Parts of a second in which events are written. */
const ticks = 20;
/** How long the last deliveries may take after the last event, in milliseconds. */
const drainMs = 120_000;

const insert = `INSERT INTO events (id, type, provider, source, proof)
  SELECT gen_random_uuid(), 'provider.restored', 'strava', 'refresh', 'confirmed' FROM generate_series(1, $1)`;

const server = await startServer(process.env['BENCH_DATABASE_URL']);
try {
  for (const hasSlow of [false, true]) {
    await measure(hasSlow);
  }
} finally {
  await server.stop();
}

async function measure(hasSlow: boolean): Promise<void> {
  const { environment, apiKey, databaseUrl } = await createDeployment(server, 1);
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const service = startChild(
    'processes/service.js',
    { ...environment, PORT: String(port), REFRESH_SCHEDULER: 'api', NOTIFICATION_SUBSCRIPTIONS: 'off' },
    await productionFlags(),
  );
  const fast = startChild('processes/event-receiver.ts', {});
  const slow = startChild('processes/event-receiver.ts', {});
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await waitUntilReady(url);
    const addEndpoint = async (receiver: Child, delayMs: number): Promise<void> => {
      const body = JSON.stringify({
        url: await receiver.call<string>({ ask: 'url', delayMs }),
        event_types: ['provider.restored'],
      });
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
      const response = await fetch(`${url}/v1/webhook-endpoints`, { method: 'POST', headers, body });
      if (!response.ok) {
        throw new Error(`The endpoint was not added: HTTP ${response.status}.`);
      }
    };
    await addEndpoint(fast, 0);
    if (hasSlow) {
      await addEndpoint(slow, slowMs);
    }
    let highestMiB = 0;
    const startedAt = performance.now();
    for (let tick = 0; tick < seconds * ticks; tick += 1) {
      await client.query(insert, [rate / ticks]);
      if (tick % ticks === 0) {
        highestMiB = Math.max(highestMiB, await service.residentMiB());
      }
      await sleep(Math.max(0, startedAt + ((tick + 1) * 1_000) / ticks - performance.now()));
    }
    const writtenAt = performance.now();
    const wanted = rate * seconds;
    while ((await fast.call<number>({ ask: 'count' })) < wanted && performance.now() - writtenAt < drainMs) {
      await sleep(50);
    }
    const drainedMs = performance.now() - writtenAt;
    const lags = await fast.call<number[]>({ ask: 'lags' });
    const ms = (share: number): string => `${Math.round(quantile(lags, share))} ms`;
    const beside = hasSlow ? `, beside an endpoint that takes ${slowMs} ms` : '';
    process.stdout.write(
      `${lags.length} of ${wanted} events, ${Math.round(wanted / ((writtenAt - startedAt) / 1_000))} a second${beside}: ` +
        `lag p50 ${ms(0.5)}, p99 ${ms(0.99)}, all delivered ${Math.round(drainedMs)} ms after the last one; ` +
        `service ${Math.round(highestMiB)} MiB, ${(await service.processorSeconds()).toFixed(0)} s of processor time.\n`,
    );
  } finally {
    await client.end();
    await service.stop();
    await fast.stop();
    await slow.stop();
  }
}
