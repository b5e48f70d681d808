import { createSecretKey } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import { forEachConcurrently } from '../concurrency.ts';
import { plainOpen, plainSeal } from '../plain-gcm.ts';
import type { SweepCommand } from '../sweep.ts';
import { respond } from './respond.ts';

const { DATABASE_URL: databaseUrl, POOL_SIZE: poolSize, KEY: encodedKey = '', TOKEN_URL: tokenUrl = '' } = process.env;
const batchSize = 500;
const pool = new pg.Pool({ connectionString: databaseUrl, max: Number(poolSize) });
const key = createSecretKey(encodedKey, 'base64');
const { origin, pathname: path } = new URL(tokenUrl);

/**
 * The least that a refresh can be: read the rows in batches, and for each one POST on a kept connection, one
 * AES-256-GCM, one UPDATE. No claim, no journal, no generation: a crash or a second replica loses tokens.
 */
respond(async ({ task, users, concurrency }: SweepCommand) => {
  if (task === 'make due') {
    return undefined;
  }
  const provider = new Pool(origin, { connections: concurrency });
  const startedAt = performance.now();
  for (let first = 0; first < users.length; first += batchSize) {
    const { rows } = await pool.query<{ user_id: string; sealed: Buffer }>({
      name: 'select',
      text: 'SELECT user_id, sealed FROM reference_connections WHERE user_id = ANY ($1)',
      values: [users.slice(first, first + batchSize)],
    });
    await forEachConcurrently(rows, concurrency, async (row) => {
      const tokens = plainOpen(key, row.sealed) as { refreshToken: string };
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
        client_id: 'bench',
        client_secret: 'not-a-real-secret',
      });
      const { body } = await provider.request({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      });
      const grant = (await body.json()) as { access_token: string; refresh_token: string };
      const sealed = plainSeal(key, { ...tokens, accessToken: grant.access_token, refreshToken: grant.refresh_token });
      await pool.query({
        name: 'update',
        text: 'UPDATE reference_connections SET sealed = $2 WHERE user_id = $1',
        values: [row.user_id, sealed],
      });
    });
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await provider.close();
  return seconds;
});
