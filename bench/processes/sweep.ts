import { NestFactory } from '@nestjs/core';
import { built } from '../built.ts';
import { forEachConcurrently } from '../concurrency.ts';
import { answer } from './answer.ts';

const { AppModule } = await built<typeof import('../../src/app.module.ts')>('app.module.js');
const { ConnectionStore } =
  await built<typeof import('../../src/tokens/connection-store.ts')>('tokens/connection-store.js');
const { RefreshService } =
  await built<typeof import('../../src/tokens/refresh.service.ts')>('tokens/refresh.service.js');

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const store = app.get(ConnectionStore, { strict: false });
const refreshService = app.get(RefreshService, { strict: false });

/** Refreshes the connections of the given users as the service does; returns the seconds it took. */
answer(async ({ users, provider, concurrency }: { users: string[]; provider: string; concurrency: number }) => {
  const startedAt = performance.now();
  await forEachConcurrently(users, concurrency, async (userId) => {
    const connection = await store.find(userId, provider);
    if (connection === undefined) {
      throw new Error(`${userId} has no connection.`);
    }
    await refreshService.refresh(connection);
  });
  return (performance.now() - startedAt) / 1_000;
});
