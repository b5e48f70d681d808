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

/** Fills an empty database. Seals each row with the real vault, so that the service can open it. */
respond(async ({ connections }: { connections: number }) => {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 3 });
  try {
    await pool.query('CREATE TABLE reference_connections (user_id text PRIMARY KEY, sealed bytea NOT NULL)');
    await pool.query(`CREATE TABLE reference_links (
      state_hash bytea PRIMARY KEY, user_id text NOT NULL, sealed bytea, consumed_at timestamptz)`);
    const vault = app.get(TokenVault, { strict: false });
    const registration = registrationId(app.get(ProviderRegistry, { strict: false }).get(provider));
    const key = createSecretKey(process.env['REFERENCE_KEY'] ?? '', 'base64');
    let written: Promise<unknown> = Promise.resolve();
    for (let first = 0; first < connections; first += batchSize) {
      const rows = Array.from({ length: Math.min(batchSize, connections - first) }, (_, index) => {
        const userId = `user-${first + index}`;
        const id = randomUUID();
        const tokens = makeTokenSet(first + index);
        const place = { userId, provider, id, registrationId: registration, secretGen: 1 };
        return { userId, id, ...vault.seal(place, parseTokenSet(tokens)), plain: plainSeal(key, tokens) };
      });
      const batch = insertBatch(pool, registration, rows);
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

async function insertBatch(pool: pg.Pool, registration: string, rows: readonly SeededRow[]): Promise<void> {
  const userIds = rows.map(({ userId }) => userId);
  const [{ expiresAt, scopesGranted } = { expiresAt: null, scopesGranted: null }] = rows;
  await Promise.all([
    pool.query(
      `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen, sealed,
         scopes_granted, expires_at, refreshable)
       SELECT user_id, $4, id, $5, $6, 'active', 1, sealed, $6, $7, true
       FROM unnest($1::text[], $2::uuid[], $3::bytea[]) AS rows (user_id, id, sealed)`,
      [
        userIds,
        rows.map(({ id }) => id),
        rows.map(({ sealed }) => sealed),
        provider,
        registration,
        scopesGranted,
        expiresAt,
      ],
    ),
    pool.query(
      'INSERT INTO reference_connections (user_id, sealed) SELECT * FROM unnest($1::text[], $2::bytea[]) AS rows',
      [userIds, rows.map(({ plain }) => plain)],
    ),
  ]);
}
