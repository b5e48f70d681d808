import { createSecretKey, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import pg from 'pg';
import { built } from '../built.ts';
import { plainSeal } from '../plain-gcm.ts';
import { makeTokenSet } from '../token-set.ts';
import { respond } from './respond.ts';

const batchSize = 2_000;
const provider = 'strava';

const { AppModule } = await built<typeof import('../../src/app.module.ts')>('app.module.js');
const { ApiKeysService } =
  await built<typeof import('../../src/access/api-keys.service.ts')>('access/api-keys.service.js');
const { accessScopes } = await built<typeof import('../../src/access/scopes.ts')>('access/scopes.js');
const { ProviderRegistry } = await built<typeof import('../../src/provider-kit/provider-registry.ts')>(
  'provider-kit/provider-registry.js',
);
const { registrationId } =
  await built<typeof import('../../src/provider-kit/registration.ts')>('provider-kit/registration.js');
const { parseTokenSet } = await built<typeof import('../../src/tokens/token-set.ts')>('tokens/token-set.js');
const { TokenVault } =
  await built<typeof import('../../src/tokens/store/token-vault.ts')>('tokens/store/token-vault.js');

/** How an empty database is to be filled. */
export interface SeedOrder {
  /** Users, from `user-0` on. */
  readonly connections: number;
  /** How far apart the users are whose token sets are sealed for them. Those in between get copies, in `connections`. */
  readonly step: number;
  /** Characters of an access token. */
  readonly tokenLength: number;
}

/** Fills an empty database. Seals the rows with the real vault, so that the service can open them. */
respond(async ({ connections, step, tokenLength }: SeedOrder) => {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 3 });
  try {
    await pool.query('CREATE TABLE reference_connections (user_id text PRIMARY KEY, sealed bytea NOT NULL)');
    await pool.query(`CREATE TABLE reference_links (
      state_hash bytea PRIMARY KEY, user_id text NOT NULL, sealed bytea, consumed_at timestamptz)`);
    const vault = app.get(TokenVault, { strict: false });
    const registration = registrationId(app.get(ProviderRegistry, { strict: false }).get(provider));
    const key = createSecretKey(process.env['REFERENCE_KEY'] ?? '', 'base64');
    const sealed = Math.ceil(connections / step);
    let written: Promise<unknown> = Promise.resolve();
    for (let first = 0; first < sealed; first += batchSize) {
      const rows = Array.from({ length: Math.min(batchSize, sealed - first) }, (_, index) => {
        const number = (first + index) * step;
        const userId = `user-${number}`;
        const id = randomUUID();
        const tokens = makeTokenSet(number, tokenLength);
        const place = { userId, provider, id, registrationId: registration, secretGen: 1 };
        return { userId, id, ...vault.seal(place, parseTokenSet(tokens)), plain: plainSeal(key, tokens) };
      });
      const numbers = { first: first * step, end: Math.min((first + rows.length) * step, connections), step };
      const batch = insertBatch(pool, registration, rows, numbers);
      // The next batch is sealed while this one is written; what the service does by the clock gets its turn.
      await Promise.all([written, nextTurn()]);
      written = batch;
    }
    await written;
    return { apiKey: await app.get(ApiKeysService, { strict: false }).create('bench', accessScopes) };
  } finally {
    await pool.end();
    await app.close();
  }
});

interface SeededRow {
  readonly userId: string;
  readonly id: string;
  readonly sealed: Buffer;
  readonly plain: Buffer;
  readonly expiresAt: Date | null;
  readonly scopesGranted: readonly string[] | null;
}

/** @param numbers - of the users: the first, the one after the last, and the distance of those who have rows */
async function insertBatch(
  pool: pg.Pool,
  registration: string,
  rows: readonly SeededRow[],
  { first, end, step }: { first: number; end: number; step: number },
): Promise<void> {
  const [{ expiresAt, scopesGranted } = { expiresAt: null, scopesGranted: null }] = rows;
  await Promise.all([
    pool.query(
      `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen, sealed,
         scopes_granted, expires_at, refreshable)
       SELECT 'user-' || number, $1, CASE WHEN number % $2 = 0 THEN id ELSE gen_random_uuid() END, $3, $4, 'active', 1,
         sealed, $4, $5, true
       FROM unnest($6::uuid[], $7::bytea[]) WITH ORDINALITY AS rows (id, sealed, place),
         generate_series($8 + (place - 1) * $2, least($8 + place * $2, $9) - 1) AS number`,
      [
        provider,
        step,
        registration,
        scopesGranted,
        expiresAt,
        rows.map(({ id }) => id),
        rows.map(({ sealed }) => sealed),
        first,
        end,
      ],
    ),
    pool.query(
      'INSERT INTO reference_connections (user_id, sealed) SELECT * FROM unnest($1::text[], $2::bytea[]) AS rows',
      [rows.map(({ userId }) => userId), rows.map(({ plain }) => plain)],
    ),
  ]);
}
