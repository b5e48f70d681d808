/**
 * Measures the list of all connections and their counts, and prints the plans of their statements.
 *
 * Usage: npm run build && node bench/fleet.ts [--connections 1000000]
 *
 * BENCH_DATABASE_URL names a PostgreSQL to use, as a superuser, instead of an embedded one.
 */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { planOnce } from '../src/database/plan-once.ts';
import { DataSource } from 'typeorm';
import type { Database as DatabaseType, Statement } from '../src/database/database.ts';
import type { FleetPlace } from '../src/fleet/fleet-store.ts';
import { built } from './built.ts';
import { run, startServer } from './server.ts';

const pageSize = 100;
const thousandth = 1_000;
const repetitions = 15;

const { values } = parseArgs({ options: { connections: { type: 'string', default: '1000000' } } });
const connections = Number(values.connections);

const { dataSourceOptions, migrationOptions } = await built<typeof import('../src/database/data-source-options.ts')>(
  'database/data-source-options.js',
);
const { Database } = await built<typeof import('../src/database/database.ts')>('database/database.js');
const { FleetStore } = await built<typeof import('../src/fleet/fleet-store.ts')>('fleet/fleet-store.js');
const { ReadReplica } = await built<typeof import('../src/database/read-replica.ts')>('database/read-replica.js');
const { Clock } = await built<typeof import('../src/clock/clock.ts')>('clock/clock.js');
const { FleetCounts } = await built<typeof import('../src/fleet/fleet-counts.ts')>('fleet/fleet-counts.js');
const { BackgroundJobs } = await built<typeof import('../src/clock/background-jobs.ts')>('clock/background-jobs.js');

const server = await startServer(process.env['BENCH_DATABASE_URL']);
let url = '';
try {
  url = await server.createDatabase();
  const settings = { url, poolSize: 4, migrateOnBoot: false };
  const indexSeconds = await fill(url, await new DataSource(migrationOptions(settings)).initialize());
  const dataSource = await new DataSource(dataSourceOptions(settings)).initialize();
  print(
    `${connections.toLocaleString('en-US')} connections. Migrations from CreateFleet on: ${indexSeconds.toFixed(1)} s.`,
  );

  const database = new Database(dataSource);
  const store = new FleetStore(database);
  const replica = new ReadReplica(database, new Clock(), { readUrl: undefined, readMaxAgeMs: 0 });
  const counts = new FleetCounts(database, replica, new BackgroundJobs());

  const second = new Date(Date.now() - 1_000);
  const filters = {
    all: {},
    'provider=oura': { provider: 'oura' },
    'provider=oura&status=needs_relink': { provider: 'oura', status: 'needs_relink' },
    'status=needs_relink': { status: 'needs_relink' },
    'status=active': { status: 'active' },
    'reason=refresh_failing': { reason: 'refresh_failing' },
    'error=PROVIDER_UNAVAILABLE': { error: 'PROVIDER_UNAVAILABLE' },
    'updated_after, few': { updatedAfter: new Date(Date.now() - 60_000) },
    'updated_after, all': { updatedAfter: new Date(0) },
    'provider and an error that it never has': { provider: 'oura', error: 'TOKEN_REVOKED', updatedAfter: second },
  };
  for (const [name, filter] of Object.entries(filters)) {
    const first = await time(() => store.list(filter, pageSize));
    let place: FleetPlace | undefined;
    let pages = 0;
    do {
      place = (await store.list(filter, pageSize, place)).next;
      pages += 1;
    } while (place !== undefined && pages < thousandth - 1);
    const last = place === undefined ? undefined : await time(() => store.list(filter, pageSize, place));
    const later = last === undefined ? `it has ${pages} pages` : `page ${pages + 1}: ${last.toFixed(1)} ms`;
    print(`${name}: page 1: ${first.toFixed(1)} ms; ${later}`);
    if (name === 'all' || name.startsWith('provider=oura&') || name.startsWith('updated_after')) {
      await explain(database, () => store.list(filter, pageSize, place));
    }
  }

  await run(url, 'DELETE FROM connection_counts');
  const counting = await time(async () => {
    await run(url, 'DELETE FROM connection_counts');
    await counts.sweep();
  }, 5);
  print(`counting: ${counting.toFixed(0)} ms`);
  await run(url, 'DELETE FROM connection_counts');
  await explain(database, () => counts.sweep());
  const reading = await time(() => new FleetCounts(database, replica, new BackgroundJobs()).latest());
  print(`reading the counts (GET /v1/connections/stats): ${reading.toFixed(1)} ms`);
  await dataSource.destroy();
} finally {
  await server.stop();
}

/** Fills the table, and returns how long the migrations from CreateFleet on take with it. */
async function fill(url: string, dataSource: DataSource): Promise<number> {
  await dataSource.runMigrations();
  while ((await run(url, `SELECT FROM migrations WHERE name LIKE 'CreateFleet%'`)).length > 0) {
    await dataSource.undoLastMigration();
  }
  await run(
    url,
    `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested, scopes_granted,
       refreshable, expires_at, linked_at, last_refreshed_at, refresh_due_at, end_reason, ended_at, failed_attempts,
       last_error_code, last_error_at)
     SELECT gen_random_uuid(), (ARRAY['whoop', 'oura', 'fitbit', 'garmin', 'strava', 'polar'])[1 + n % 6], gen_random_uuid(), 'bench',
       CASE WHEN n % 50 = 0 THEN 'needs_relink' ELSE 'active' END, 1, decode(repeat('5a', 1200), 'hex'), '{read}', '{read}', true,
       now() + interval '1 hour', now() - interval '30 days' * random(), now() - interval '1 hour' * random(),
       now() + interval '1 hour' * random(), CASE WHEN n % 50 = 0 THEN 'grant_refused' END, CASE WHEN n % 50 = 0 THEN now() END,
       CASE WHEN n % 100 = 7 THEN 1 ELSE 0 END, CASE WHEN n % 100 = 7 THEN 'PROVIDER_UNAVAILABLE' END,
       CASE WHEN n % 100 = 7 THEN now() END
     FROM generate_series(1, $1) AS n`,
    [connections],
  );
  const startedAt = performance.now();
  await dataSource.runMigrations();
  const seconds = (performance.now() - startedAt) / 1_000;
  await dataSource.destroy();
  // The last minute has few changes, as in a fleet whose refreshes are spread over an hour.
  await run(url, `UPDATE connections SET last_refreshed_at = now() WHERE user_id < '001'`);
  await run(
    url,
    `UPDATE connections SET ended_at = now() - interval '1 hour', last_error_at = now() - interval '1 hour'
                  WHERE status = 'needs_relink' OR last_error_code IS NOT NULL`,
  );
  await run(url, 'VACUUM ANALYZE');
  await run(url, 'CHECKPOINT');
  return seconds;
}

/** Returns the median time of some work in milliseconds. */
async function time(work: () => Promise<unknown>, times = repetitions): Promise<number> {
  const taken: number[] = [];
  for (let count = 0; count < times; count += 1) {
    const startedAt = performance.now();
    await work();
    taken.push(performance.now() - startedAt);
  }
  return taken.sort((left, right) => left - right)[Math.floor(times / 2)] ?? NaN;
}

/** Returns the plan of a statement as the service runs it: planned without its values. */
async function planOf({ text }: Statement, given: readonly unknown[]): Promise<{ 'QUERY PLAN': string }[]> {
  const client = new pg.Client({ connectionString: url, options: planOnce });
  await client.connect();
  try {
    await client.query(`PREPARE planned AS ${text}`);
    const literals = given.map((value) =>
      value === null
        ? 'NULL'
        : pg.escapeLiteral(value instanceof Date ? value.toISOString() : String(value as string | number)),
    );
    const list = literals.length === 0 ? '' : `(${literals.join(', ')})`;
    return (await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) EXECUTE planned ${list}`)).rows;
  } finally {
    await client.end();
  }
}

/** Prints the plans of the statements that some work runs, and their use of memory and disk. */
async function explain(database: DatabaseType, work: () => Promise<unknown>): Promise<void> {
  const asked: { statement: Statement; values: readonly unknown[] }[] = [];
  const query = database.query.bind(database);
  database.query = (statement, given = []) => {
    asked.push({ statement, values: given });
    return query(statement, given);
  };
  const transaction = database.transaction.bind(database);
  database.transaction = (act) =>
    transaction((inner) =>
      act((statement, given = []) => {
        asked.push({ statement, values: given });
        return inner(statement, given);
      }),
    );
  try {
    await work();
  } finally {
    database.query = query;
    database.transaction = transaction;
  }
  for (const { statement, values: given } of asked.filter(({ statement: { name } }) =>
    /^fleet|counts-count/.test(name),
  )) {
    const rows = await planOf(statement, given);
    print(`  ${statement.name}\n${rows.map((row) => `    ${row['QUERY PLAN']}`).join('\n')}`);
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
