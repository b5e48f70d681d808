/**
 * Simulates the scheduler of many processes on a simulated clock. Shows when connections are due, how many refreshes
 * begin, and how long the backlog of a stop lasts. Due times and rates are those of the service: `refreshDueInMs` and
 * `RateLimiter`.
 *
 * Usage: npm run build && node bench/schedule.ts [--connections 100000000] [--processes 400] [--rate 100]
 *   [--concurrency 32] [--responseMs 300] [--lifetime 3600] [--margin 300] [--stop 3600] [--sample 10]
 *
 * `--rate` is REFRESH_RATE_PER_SECOND, `--concurrency` PROVIDER_CONCURRENCY, `--margin` TOKEN_REFRESH_MARGIN_SECONDS
 * and `--stop` the seconds without any process. `--sample 10` simulates one in ten connections and processes. The
 * database, failures and callers are not simulated. The figures go to standard output as JSON.
 */
import { parseArgs } from 'node:util';
import type { OAuth2Definition } from '../src/provider-kit/definition/provider-definition.ts';
import { built } from './built.ts';

const { refreshDueInMs } =
  await built<typeof import('../src/tokens/policy/refresh-due.ts')>('tokens/policy/refresh-due.js');
const { RateLimiter } = await built<typeof import('../src/tokens/policy/rate-limiter.ts')>(
  'tokens/policy/rate-limiter.js',
);
const { stravaDefinition } = await built<typeof import('../src/providers/strava/strava.definition.ts')>(
  'providers/strava/strava.definition.js',
);

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    connections: { ...text, default: '100000000' },
    processes: { ...text, default: '400' },
    rate: { ...text, default: '100' },
    concurrency: { ...text, default: '32' },
    responseMs: { ...text, default: '300' },
    lifetime: { ...text, default: '3600' },
    margin: { ...text, default: '300' },
    stop: { ...text, default: '3600' },
    sample: { ...text, default: '10' },
  },
});
const sample = Number(values.sample);
const connections = Math.round(Number(values.connections) / sample);
const processes = Math.max(1, Math.round(Number(values.processes) / sample));
const rate = Number(values.rate);
const atProvider = (Number(values.concurrency) * 1_000) / Number(values.responseMs);
const lifetimeMs = Number(values.lifetime) * 1_000;
const marginMs = Number(values.margin) * 1_000;
const stopSeconds = Number(values.stop);

/** Long enough that each connection was refreshed once before the stop, and three times after it. */
const lifetimeSeconds = Math.ceil(lifetimeMs / 1_000);
const stopAt = 2 * lifetimeSeconds;
const startAt = stopAt + stopSeconds;
const endAt = startAt + 4 * lifetimeSeconds;

/** Connections by the second in which they become due. */
const dueAt = new Float64Array(endAt + lifetimeSeconds + 2);
const definition: OAuth2Definition = stravaDefinition;

/** Stores the next due time of a connection that is refreshed now; `share` of the time until then is left. */
function schedule(nowSeconds: number, share = 1): void {
  const now = new Date(nowSeconds * 1_000);
  const tokens = { refreshToken: 'token', expiresAt: new Date(now.getTime() + lifetimeMs) };
  const dueInMs = refreshDueInMs(tokens, definition, marginMs, now, Math.random()) ?? Infinity;
  const second = Math.min(dueAt.length - 1, nowSeconds + Math.ceil((dueInMs * share) / 1_000));
  dueAt[second] = (dueAt[second] ?? 0) + 1;
}

// Linked or refreshed at any time.
for (let index = 0; index < connections; index += 1) {
  schedule(0, Math.random());
}

let limiters = Array.from({ length: processes }, () => new RateLimiter(rate, 0));
let oldest = 0;
let backlog = 0;
let mostBegun = 0;
let begunBefore = 0;
let backlogAfterStop = 0;
let latestSeconds = 0;
let latestBeforeSeconds = 0;
let doneAt: number | undefined;

for (let second = 1; second <= endAt; second += 1) {
  backlog += dueAt[second] ?? 0;
  if (second === startAt) {
    // Processes that have just started.
    limiters = limiters.map(() => new RateLimiter(rate, second * 1_000));
    backlogAfterStop = backlog;
  }
  if (second >= stopAt && second < startAt) {
    continue;
  }
  let begun = 0;
  for (const limiter of limiters) {
    const count = Math.min(Math.floor(Math.min(limiter.available(second * 1_000), atProvider)), backlog - begun);
    limiter.take(count, second * 1_000);
    begun += count;
  }
  backlog -= begun;
  mostBegun = Math.max(mostBegun, begun);
  // The longest overdue first, as the statement that leases them.
  for (let left = begun; left > 0;) {
    const here = dueAt[oldest] ?? 0;
    const taken = Math.min(here, left);
    if (taken > 0) {
      latestSeconds = Math.max(latestSeconds, second - oldest);
    }
    dueAt[oldest] = here - taken;
    left -= taken;
    oldest += here - taken === 0 && left > 0 ? 1 : 0;
  }
  for (let index = 0; index < begun; index += 1) {
    schedule(second);
  }
  if (second > lifetimeSeconds && second < stopAt) {
    begunBefore += begun;
  }
  if (second === stopAt - 1) {
    latestBeforeSeconds = latestSeconds;
  }
  if (second >= startAt && doneAt === undefined && backlog === 0) {
    doneAt = second;
  }
}

const figures = {
  connections: connections * sample,
  'most refreshes a second that may begin': Math.floor(Math.min(rate, atProvider)) * processes * sample,
  'refreshes a second before the stop': Math.round((begunBefore / (stopAt - lifetimeSeconds - 1)) * sample * 10) / 10,
  'longest wait before the stop, s': latestBeforeSeconds,
  'due at the end of the stop': backlogAfterStop * sample,
  'most refreshes that began in a second': mostBegun * sample,
  'backlog worked off after, s': doneAt === undefined ? null : doneAt - startAt,
  'longest wait, the stop included, s': latestSeconds,
  'backlog at the end': backlog * sample,
};
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
