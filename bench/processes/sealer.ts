import { NestFactory } from '@nestjs/core';
import { createSecretKey, randomBytes } from 'node:crypto';
import { built } from '../built.ts';
import { plainOpen, plainSeal } from '../plain-gcm.ts';
import { makeTokenSet } from '../token-set.ts';
import { respond } from './respond.ts';

const { AppModule } = await built<typeof import('../../src/app.module.ts')>('app.module.js');
const { VaultService } = await built<typeof import('../../src/vault/vault.service.ts')>('vault/vault.service.js');

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
const vault = app.get(VaultService, { strict: false });
const key = createSecretKey(randomBytes(32));
const tokens = makeTokenSet(1);
const context = {
  purpose: 'connections.sealed',
  rowId: '00000000-0000-4000-8000-000000000000',
  userId: 'user-1',
  registrationId: 'bench:1',
  generation: 1,
} as const;
const sealed = vault.seal(tokens, context);
const plain = plainSeal(key, tokens);

/** Each takes the token set to bytes, or back; through the vault, or with the one key. */
const work = {
  'seal ours': () => vault.seal(tokens, context),
  'seal reference': () => plainSeal(key, tokens),
  'open ours': () => vault.open(sealed, context),
  'open reference': async () => plainOpen(key, plain),
};
export type SealWork = keyof typeof work;

/** Repeats one of them; returns the seconds. */
respond(async ({ what, times }: { what: SealWork; times: number }) => {
  const task = work[what];
  const startedAt = performance.now();
  for (let done = 0; done < times; done += 1) {
    await task();
  }
  return (performance.now() - startedAt) / 1_000;
});
