import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { built } from '../built.ts';
import type { SweepCommand } from '../sweep.ts';
import { respond } from './respond.ts';

const pollMs = 5;
const giveUpMs = 600_000;

const { WorkerModule } = await built<typeof import('../../src/worker.module.ts')>('worker.module.js');
const { Database } = await built<typeof import('../../src/database/database.ts')>('database/database.js');
const { RefreshScheduler } = await built<typeof import('../../src/tokens/scheduler/refresh-scheduler.ts')>(
  'tokens/scheduler/refresh-scheduler.js',
);
const { refreshes } = await built<typeof import('../../src/tokens/tokens.metrics.ts')>('tokens/tokens.metrics.js');

/** The worker process of a deployment, without its port. */
const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error', 'warn'] });
const database = app.get(Database, { strict: false });
const scheduler = app.get(RefreshScheduler, { strict: false });
const makeDue = {
  name: 'bench-make-due',
  text: 'UPDATE connections SET refresh_due_at = now() WHERE provider = $2 AND user_id = ANY ($1)',
};

let endedBefore = 0;

/**
 * Makes the connections of the given users due, and nothing else is. Then lets the scheduler refresh them; returns the
 * seconds it took.
 */
respond(async ({ task, users, provider }: SweepCommand) => {
  if (task === 'make due') {
    endedBefore = await countOutcomes();
    await database.query(makeDue, [users, provider]);
    return undefined;
  }
  const startedAt = performance.now();
  scheduler.lookNow();
  while ((await countOutcomes()) - endedBefore < users.length) {
    if (performance.now() - startedAt > giveUpMs) {
      throw new Error('The scheduler does not get done.');
    }
    await sleep(pollMs);
  }
  return (performance.now() - startedAt) / 1_000;
});

/** Refreshes that have ended, well or not. */
async function countOutcomes(): Promise<number> {
  const { values } = await refreshes.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
