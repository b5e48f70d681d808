/**
 * Imports a file of connections with the command line, kills the command in the middle with SIGKILL, and runs it again.
 * Then it counts rows, duplicates and unsealed values, and searches the database and the output for the tokens of the
 * file.
 *
 * Usage: npm run build && node bench/import.ts [rows, 100000]
 *
 * BENCH_DATABASE_URL names a PostgreSQL to use, as a superuser, instead of an embedded one.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startServer } from './server.ts';

const rows = Number(process.argv[2] ?? 100_000);
const commandLine = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
/** Every token of the file begins with it, so that one search finds any of them. */
const mark = `bench-token-${randomBytes(8).toString('hex')}`;

const directory = await mkdtemp(join(tmpdir(), 'cufflink-bench-import-'));
const server = await startServer(process.env['BENCH_DATABASE_URL']);
try {
  const databaseUrl = await server.createDatabase();
  const environment = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
    STRAVA_CLIENT_ID: 'bench',
    STRAVA_CLIENT_SECRET: 'not-a-real-secret',
    PUBLIC_URL: 'https://bench.invalid',
  };
  const file = join(directory, 'tokens.jsonl');
  await writeTokens(file);
  await command(['migrate'], environment).ended;

  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  // The server ends it if anything here fails.
  client.on('error', () => undefined);
  const count = async (text: string): Promise<number> => {
    const { rows: found } = await client.query<{ count: number }>(text);
    return found[0]?.count ?? 0;
  };
  const countRows = () => count('SELECT count(*)::int AS count FROM connections');

  const killed = command(['connections', 'import', file], environment);
  while ((await countRows()) < rows / 3) {
    await sleep(20);
  }
  killed.child.kill('SIGKILL');
  const first = await killed.ended;
  const before = await countRows();

  const resumed = command(['--json', 'connections', 'import', file], environment);
  // The start of the process, and the rows that it recognizes, do not count for the rate.
  while ((await countRows()) === before) {
    await sleep(20);
  }
  const storingSince = performance.now();
  const again = await resumed.ended;
  const storingSeconds = (performance.now() - storingSince) / 1_000;
  const result = JSON.parse(again.stdout) as { imported: number; already_imported: number; refused: number };
  const { rows: dump } = await client.query<{ found: number }>(
    `SELECT count(*)::int AS found FROM (
       SELECT to_jsonb(c)::text AS row FROM connections c
       UNION ALL SELECT to_jsonb(e)::text FROM events e
       UNION ALL SELECT to_jsonb(a)::text FROM audit_entries a) AS each
     WHERE row LIKE '%${mark}%' OR row LIKE '%${Buffer.from(mark).toString('hex')}%'`,
  );
  const findings = {
    rows,
    killed_at: before,
    imported_again: result.imported,
    recognized: result.already_imported,
    refused: result.refused,
    connections: await countRows(),
    events: await count(`SELECT count(*)::int AS count FROM events WHERE type = 'connection.linked'`),
    unsealed: await count('SELECT count(*)::int AS count FROM connections WHERE sealed IS NULL'),
    accounts_twice: await count('SELECT (count(*) - count(DISTINCT account_digest))::int AS count FROM connections'),
    tokens_in_the_database: dump[0]?.found,
    tokens_in_the_output: [first, again].filter(({ stdout, stderr }) => `${stdout}${stderr}`.includes(mark)).length,
    seconds_of_the_second_run: Math.round(again.seconds),
    rows_per_second: Math.round(result.imported / storingSeconds),
    peak_memory_mib: again.peakMiB,
  };
  process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  await client.end();
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}

async function writeTokens(file: string): Promise<void> {
  const output = createWriteStream(file);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  for (let at = 0; at < rows; at += 1) {
    const row = {
      user_id: `user-${at}`,
      provider: 'strava',
      access_token: `${mark}-a-${at}-${randomBytes(16).toString('hex')}`,
      refresh_token: `${mark}-r-${at}-${randomBytes(16).toString('hex')}`,
      expires_at: expiresAt,
      scopes: ['read', 'activity:read_all'],
      provider_user_id: String(1_000_000 + at),
      metadata: { clinic: `clinic-${at % 50}` },
    };
    if (!output.write(`${JSON.stringify(row)}\n`)) {
      await once(output, 'drain');
    }
  }
  output.end();
  await once(output, 'finish');
}

/** Runs a command, and watches its memory. */
function command(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [commandLine, ...args], { env: environment, cwd: directory });
  let [stdout, stderr, peakKiB] = ['', '', 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const watch = setInterval(() => {
    readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (status) => (peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))),
      () => undefined,
    );
  }, 200);
  const ended = once(child, 'close').then(() => {
    clearInterval(watch);
    if (child.exitCode !== 0 && child.signalCode === null) {
      throw new Error(`${args.join(' ')} ended with ${child.exitCode}:\n${stdout}${stderr}`);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    return { stdout, stderr, seconds, peakMiB: Math.round(peakKiB / 1_024) };
  });
  return { child, ended };
}
