import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { planOnce } from '../../src/database/plan-once.ts';
import { Pool } from 'undici';
import { built } from '../built.ts';
import { openTrail, readKeys } from '../guarantees.ts';
import type { SweepCommand } from '../sweep.ts';
import { respond } from './respond.ts';

/**
 * A sweep with the guarantees of the service, by hand: lease, POST, seal, flush to a journal, save with
 * compare-and-set, audit outcome. Groups share statements and flushes. A journal of an earlier run is saved first. A
 * refusal or an outage of the provider ends the benchmark: dealing with them costs nothing here.
 */
const { MicroBatch } = await built<typeof import('../../src/database/micro-batch.ts')>('database/micro-batch.js');
const {
  DATABASE_URL: connectionString,
  DATABASE_POOL_SIZE: poolSize,
  ENCRYPTION_ROOT_KEY: rootKey = '',
  ENVIRONMENT_NAME: environment = '',
  STRAVA_TOKEN_URL: tokenUrl = '',
  REFRESH_JOURNAL_DIRECTORY: journalDirectory = '',
} = process.env;
const limits = { maxItems: 200, maxWaiting: 10_000 };
const marginMs = 300_000;
const requestTimeoutMs = 30_000;
const { origin, pathname: path } = new URL(tokenUrl);

const pool = new pg.Pool({
  connectionString,
  max: Number(poolSize),
  options: `${planOnce} -c statement_timeout=10s`,
});
// Rows of its own, so that the service's scheduler leaves them alone.
await pool.query(`
  CREATE TABLE guaranteed_connections (user_id text, provider text, id uuid NOT NULL, registration_id text NOT NULL,
    secret_gen int NOT NULL, sealed bytea NOT NULL, expires_at timestamptz, refresh_due_at timestamptz,
    lease_id uuid, leased_until timestamptz, attempt_started_at timestamptz, last_refreshed_at timestamptz,
    PRIMARY KEY (user_id, provider)) WITH (fillfactor = 70);
  INSERT INTO guaranteed_connections
    SELECT user_id, provider, id, registration_id, secret_gen, sealed, expires_at FROM connections;
  CREATE UNIQUE INDEX ON guaranteed_connections (id);
  CREATE INDEX ON guaranteed_connections (provider, refresh_due_at);
  ANALYZE guaranteed_connections`);
const keys = await readKeys(pool, rootKey, environment);
const record = await openTrail(pool, keys, environment);

interface Row {
  readonly user_id: string;
  readonly provider: string;
  readonly id: string;
  readonly registration_id: string;
  readonly secret_gen: number;
  readonly sealed: Buffer;
}

/** What replaces the token set of a row. The user is not named: a journal may outlive the user. */
interface Save {
  readonly id: string;
  readonly secretGen: number;
  readonly sealed: Buffer;
  readonly expiresAt: string;
}

const lease = {
  name: 'lease',
  // An attempt of unknown outcome is not repeated for ten minutes.
  text: `WITH due AS MATERIALIZED (
           SELECT user_id AS u, provider AS p FROM guaranteed_connections
           WHERE provider = $1 AND refresh_due_at <= now() AND (leased_until IS NULL OR leased_until <= now())
             AND (attempt_started_at IS NULL OR attempt_started_at <= now() - interval '10 minutes')
           ORDER BY refresh_due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         UPDATE guaranteed_connections SET lease_id = gen_random_uuid(), leased_until = now() + interval '2 minutes',
           attempt_started_at = now()
         FROM due WHERE user_id = u AND provider = p
         RETURNING user_id, provider, id, registration_id, secret_gen, sealed`,
};
const saveAll = {
  name: 'save',
  text: `UPDATE guaranteed_connections AS row SET secret_gen = row.secret_gen + 1, sealed = saved.sealed,
           expires_at = saved.expires_at, refresh_due_at = saved.expires_at - $5 * interval '1 millisecond',
           last_refreshed_at = now(), lease_id = NULL, leased_until = NULL, attempt_started_at = NULL
         FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::timestamptz[]) AS saved (id, secret_gen, sealed, expires_at)
         WHERE row.id = saved.id AND row.secret_gen = saved.secret_gen RETURNING row.id`,
};

const saves = new MicroBatch<Save, boolean>(async (group) => {
  const { rows } = await pool.query<{ id: string }>({
    ...saveAll,
    values: [
      group.map(({ id }) => id),
      group.map(({ secretGen }) => secretGen),
      group.map(({ sealed }) => sealed),
      group.map(({ expiresAt }) => expiresAt),
      marginMs,
    ],
  });
  const saved = new Set(rows.map(({ id }) => id));
  return group.map(({ id }) => saved.has(id));
}, limits);

const journalFile = join(journalDirectory, 'reference.journal');
for (const line of (await readFile(journalFile, 'utf8').catch(() => '')).split('\n').slice(0, -1)) {
  const entry = JSON.parse(line) as Save & { readonly sealed: string };
  await saves.add({ ...entry, sealed: Buffer.from(entry.sealed, 'base64') });
}
const journal = await open(journalFile, 'a');
await journal.truncate();
const directory = await open(journalDirectory);
await directory.sync();
await directory.close();
const flushes = new MicroBatch<string, void>(async (lines) => {
  await journal.write(lines.join(''));
  await journal.datasync();
  return lines.map(() => undefined);
}, limits);

/** Spends the refresh token of a leased row; returns its sealed successor, which the journal has. */
async function exchange(provider: Pool, row: Row): Promise<Save> {
  const context = {
    purpose: 'connections.sealed',
    rowId: row.id,
    userId: row.user_id,
    registrationId: row.registration_id,
    generation: row.secret_gen,
  } as const;
  const tokens = keys.open(row.sealed, context) as { refreshToken: string };
  const requestedAt = new Date();
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: tokens.refreshToken,
    client_id: 'bench',
    client_secret: 'not-a-real-secret',
  });
  const { statusCode, body } = await provider.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
  });
  const grant = (await body.json()) as { access_token?: unknown; refresh_token?: unknown; expires_in?: unknown };
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = grant;
  if (
    statusCode !== 200 ||
    typeof accessToken !== 'string' ||
    typeof refreshToken !== 'string' ||
    typeof seconds !== 'number'
  ) {
    throw new Error(`The provider responded with HTTP ${statusCode}.`);
  }
  const expiresAt = new Date(requestedAt.getTime() + seconds * 1_000 - 1_000).toISOString();
  const next = { ...tokens, accessToken, refreshToken, expiresAt, obtainedAt: requestedAt.toISOString() };
  const sealed = keys.seal(next, { ...context, generation: row.secret_gen + 1 });
  return { id: row.id, secretGen: row.secret_gen, sealed, expiresAt };
}

/** Stores the successor durably, first in the journal, then in the row, and notes that in the trail. */
async function store(row: Row, save: Save): Promise<void> {
  await flushes.add(`${JSON.stringify({ ...save, sealed: save.sealed.toString('base64') })}\n`);
  if (!(await saves.add(save))) {
    throw new Error(`Somebody else has refreshed connection ${row.id}.`);
  }
  const outcome = ['token.refreshed', 'success', 'service', row.provider, row.id, `token-set:${row.secret_gen + 1}`];
  await record({ userId: row.user_id, content: JSON.stringify(outcome) });
}

/** Makes the connections of the given users due, and nothing else is. */
async function makeDue({ users, provider }: SweepCommand): Promise<void> {
  const text = 'UPDATE guaranteed_connections SET refresh_due_at = now() WHERE user_id = ANY ($1) AND provider = $2';
  await pool.query(text, [users, provider]);
}

/** Refreshes what is due, with leases for three times as many as run at once; returns the seconds. */
async function sweep({ users, provider: slug, concurrency }: SweepCommand): Promise<number> {
  // A connection is used again within 200 ms only: a provider may close it later.
  const provider = new Pool(origin, { connections: concurrency, keepAliveTimeout: 200, keepAliveMaxTimeout: 200 });
  const startedAt = performance.now();
  let waiting: Row[] = [];
  let sent = 0;
  let left = users.length;
  let held = 0;
  let wake = Promise.withResolvers<void>();
  const refresh = async (row: Row): Promise<void> => {
    sent += 1;
    const save = await exchange(provider, row).finally(() => (sent -= 1));
    wake.resolve();
    await store(row, save);
    held -= 1;
    left -= 1;
    wake.resolve();
  };
  while (left > 0) {
    wake = Promise.withResolvers();
    if (held <= 2 * concurrency && held < left) {
      const { rows } = await pool.query<Row>({ ...lease, values: [slug, 3 * concurrency - held] });
      held += rows.length;
      waiting = waiting.concat(rows);
    }
    const next = waiting.splice(0, concurrency - sent);
    for (const row of next) {
      refresh(row).catch((error: unknown) => wake.reject(error));
    }
    await wake.promise;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await journal.truncate();
  await provider.close();
  return seconds;
}

respond((command: SweepCommand) => (command.task === 'make due' ? makeDue(command) : sweep(command)));
