import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LocalKeySource } from '../../src/vault/local-key-source.js';
import { findFreePort } from '../../src/development/free-port.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { checkout, startProcess, waitUntilReady, type ServiceProcess } from '../support/service-process.js';
import { addReplica } from '../support/key-rotation.js';
import { deleteRows } from '../support/rows.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const main = join(checkout, 'dist/main.js');
const cli = join(checkout, 'dist/cli/main.js');
const rootKey = randomBytes(32);
const clientSecret = 'client-secret-canary-0123456789';
const environmentName = `name-${randomUUID().slice(0, 8)}`;
/** Output of Node when it opens its inspector, or tries to. */
const inspectorOpens = /Debugger listening|Starting inspector/;

const secretFiles = ['client-secret', 'database-url', 'root-key'];

let directory: string;
let databaseUrl: string;
let environment: Record<string, string>;
let running: ServiceProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-memory-'));
  databaseUrl = await createTestDatabase();
  await expect(runMigrationCommand(['migration:run'], databaseUrl)).resolves.toMatchObject({ status: 0 });
  // Every secret comes from a file, as a mount brings it.
  const secrets = {
    'root-key': rootKey.toString('base64'),
    'client-secret': clientSecret,
    'database-url': databaseUrl,
  };
  for (const [name, text] of Object.entries(secrets)) {
    await writeFile(join(directory, name), `${text}\n`, { mode: 0o600 });
  }
  environment = {
    NODE_ENV: 'production',
    ENVIRONMENT_NAME: environmentName,
    DATABASE_URL_FILE: join(directory, 'database-url'),
    PUBLIC_URL: 'https://link.example.com',
    RETURN_URLS: 'https://app.example.com/',
    ENCRYPTION_ROOT_KEY_FILE: join(directory, 'root-key'),
    OURA_CLIENT_ID: 'oura-client',
    OURA_CLIENT_SECRET_FILE: join(directory, 'client-secret'),
    REFRESH_SCHEDULER: 'off',
  };
});

afterEach(async () => {
  await Promise.all(running.map((each) => each.stop('SIGKILL')));
  running = [];
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function start(args: readonly string[], change: Readonly<Record<string, string>> = {}): ServiceProcess {
  const started = startProcess(args, directory, { ...environment, ...change });
  running.push(started);
  return started;
}

/** Signals again and again, each time followed by something that the process has done since. */
async function signalOften(
  { child }: ServiceProcess,
  signal: NodeJS.Signals,
  something: () => Promise<unknown>,
): Promise<void> {
  for (let times = 0; times < 20; times += 1) {
    child.kill(signal);
    await something();
  }
}

/** Writes a program that only waits, with or without the line that every entry point of ours begins with. */
async function writeIdleProgram(name: string, firstLine: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, `${firstLine}\nsetInterval(() => process.stdout.write('turn\\n'), 10);\n`);
  return file;
}

describe('a signal to a production process', () => {
  it.each([
    ['API', [main]],
    ['worker', [main, 'worker']],
  ])('opens no inspector and writes no snapshot in the %s (CR-17)', async (_name, args) => {
    const port = String(await findFreePort());
    const service = start(args, { PORT: port });
    const url = `http://127.0.0.1:${port}`;
    await waitUntilReady(service, url);

    await signalOften(service, 'SIGUSR1', () => fetch(`${url}/health/live`));
    await expect(fetch(`${url}/health/live`)).resolves.toMatchObject({ status: 200 });
    // Nobody listens for this one, so the process ends.
    await expect(service.stop('SIGUSR2')).resolves.toEqual({ status: null, signal: 'SIGUSR2' });

    expect(service.output()).not.toMatch(inspectorOpens);
    await expect(readdir(directory)).resolves.toEqual(secretFiles);
  });

  it('opens no inspector in a command that waits (CR-17)', async () => {
    const adding = start([cli, 'keys', 'add', '--purpose', 'connections.sealed']);
    await expect(adding.ended()).resolves.toMatchObject({ status: 0 });
    const [kid = ''] = /[0-9a-f-]{36}/.exec(adding.stdout()) ?? [];
    // A replica that never loads the key: the command waits for it.
    await addReplica(databaseUrl, randomUUID());
    const command = start([cli, 'keys', 'promote', kid]);
    const polls = async (): Promise<number> => {
      const [row] = await queryDatabase<{ polls: number }>(
        databaseUrl,
        `SELECT count(*)::int AS polls FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE '%vault_replicas%' AND pid <> pg_backend_pid()`,
      );
      return row?.polls ?? 0;
    };
    await until('the command asks for replicas', async () => (await polls()) > 0);

    await signalOften(command, 'SIGUSR1', polls);
    await deleteRows(databaseUrl, 'vault_replicas');

    await expect(command.ended()).resolves.toEqual({ status: 0, signal: null });
    expect(command.output()).not.toMatch(inspectorOpens);
  });

  it('opens the inspector of a program without the first line of ours, and not of one with it (CR-17)', async () => {
    const line = `import '${join(checkout, 'dist/config/debug-signal.js')}';`;
    const bare = start([await writeIdleProgram('bare.mjs', '')]);
    const closed = start([await writeIdleProgram('closed.mjs', line)]);
    const flagged = start(['--disable-sigusr1', join(directory, 'bare.mjs')]);
    for (const program of [bare, closed, flagged]) {
      await program.waitFor('turn');
      const turns = (): number => program.stdout().length;
      await signalOften(program, 'SIGUSR1', async () => {
        const before = turns();
        await until('the program has had a turn', () => turns() > before);
      });
    }
    await until('the bare program opens its inspector', () => inspectorOpens.test(bare.stderr()));

    expect(closed.stderr()).not.toMatch(inspectorOpens);
    expect(flagged.stderr()).not.toMatch(inspectorOpens);
    await Promise.all(['bare.mjs', 'closed.mjs'].map((name) => rm(join(directory, name))));
  });

  it('leaves the inspector to development (CR-17)', async () => {
    const line = `import '${join(checkout, 'dist/config/debug-signal.js')}';`;
    const program = start([await writeIdleProgram('development.mjs', line)], { NODE_ENV: 'development' });
    await program.waitFor('turn');
    program.child.kill('SIGUSR1');

    await until('it opens its inspector', () => inspectorOpens.test(program.stderr()));
    await rm(join(directory, 'development.mjs'));
  });
});

describe('the heap of a production process', () => {
  /** Every secret that the process holds, in the forms in which text could have it. */
  async function listSecrets(): Promise<Map<string, string>> {
    const source = new LocalKeySource(createSecretKey(rootKey));
    const rows = await queryDatabase<{ kid: string; purpose: string; blob: Buffer; keyRef: string }>(
      databaseUrl,
      'SELECT kid, purpose, wrapped_key AS blob, root_key_ref AS "keyRef" FROM vault_keys WHERE wrapped_key IS NOT NULL',
    );
    const secrets = new Map([['client secret', clientSecret]]);
    const add = (name: string, bytes: Buffer): void => {
      for (const encoding of ['base64', 'hex', 'latin1'] as const) {
        secrets.set(`${name} in ${encoding}`, bytes.toString(encoding));
      }
    };
    add('root key', rootKey);
    for (const { kid, purpose, ...wrapped } of rows) {
      const key = await source.unwrap(wrapped, { kid, purpose, environment: environmentName });
      add(`key of ${purpose}`, key.export());
    }
    return secrets;
  }

  /** Returns the names of what a file has, byte for byte. */
  async function findIn(file: string, secrets: ReadonlyMap<string, string>): Promise<string[]> {
    // Snapshots are JSON: what is no plain character is written out there.
    const wanted = [...secrets].map(([name, text]) => [name, Buffer.from(JSON.stringify(text).slice(1, -1))] as const);
    const longest = Math.max(...wanted.map(([, bytes]) => bytes.length));
    const found = new Set<string>();
    let rest = Buffer.alloc(0);
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      const bytes = Buffer.concat([rest, chunk as Buffer]);
      wanted.filter(([, text]) => bytes.includes(text)).forEach(([name]) => found.add(name));
      rest = bytes.subarray(-longest);
    }
    return [...found].sort();
  }

  async function searchHeap(...args: readonly string[]): Promise<string[]> {
    const file = join(directory, 'memory.heapsnapshot');
    const program = start([join(checkout, 'test/support/memory-of-service.js'), file, ...args], {
      PORT: String(await findFreePort()),
    });
    await expect(program.ended()).resolves.toEqual({ status: 0, signal: null });
    const control = new Map([['name of the environment', environmentName]]);
    const found = await findIn(file, new Map([...control, ...(await listSecrets())]));
    await rm(file);
    return found;
  }

  it('holds neither the root key nor a branch key nor a client secret as text, in any encoding (CR-17)', async () => {
    await expect(searchHeap()).resolves.toEqual(['name of the environment']);
  });

  it('would show the root key if anything in the process kept its text (CR-17)', async () => {
    await expect(searchHeap('hold')).resolves.toEqual(['name of the environment', 'root key in base64']);
  });
});
