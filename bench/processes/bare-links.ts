import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import { forEachConcurrently } from '../concurrency.ts';
import { plainSeal } from '../plain-gcm.ts';
import { respond } from './respond.ts';

const { DATABASE_URL: databaseUrl, POOL_SIZE: poolSize, KEY: encodedKey = '', TOKEN_URL: tokenUrl = '' } = process.env;
const pool = new pg.Pool({ connectionString: databaseUrl, max: Number(poolSize) });
const key = createSecretKey(encodedKey, 'base64');
const { origin, pathname: path } = new URL(tokenUrl);

/**
 * The least that a link can be: INSERT the attempt, use it up, exchange the code on a kept connection, INSERT the
 * connection. No HTTP of its own: no caller, no browser.
 */
respond(async ({ users, concurrency }: { users: string[]; concurrency: number }) => {
  const provider = new Pool(origin, { connections: concurrency });
  const startedAt = performance.now();
  await forEachConcurrently(users, concurrency, async (userId) => {
    const state = randomBytes(32).toString('base64url');
    const stateHash = createHash('sha256').update(state).digest();
    await pool.query({
      name: 'insert-link',
      text: 'INSERT INTO reference_links (state_hash, user_id, sealed) VALUES ($1, $2, $3)',
      values: [stateHash, userId, plainSeal(key, {})],
    });
    await pool.query({
      name: 'consume-link',
      text: `UPDATE reference_links SET consumed_at = now(), sealed = NULL
             WHERE state_hash = $1 AND consumed_at IS NULL RETURNING user_id`,
      values: [stateHash],
    });
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: `code-of-${userId}`,
      client_id: 'bench',
      client_secret: 'not-a-real-secret',
    });
    const { body } = await provider.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    await pool.query({
      name: 'insert-connection',
      text: 'INSERT INTO reference_connections (user_id, sealed) VALUES ($1, $2)',
      values: [userId, plainSeal(key, (await body.json()) as object)],
    });
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  await provider.close();
  return seconds;
});
