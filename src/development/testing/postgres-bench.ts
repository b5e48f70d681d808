import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, beforeEach, it } from '@jest/globals';
import pg from 'pg';

import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../embedded-postgres.js';
import { findPostmaster } from '../postmaster.js';
import { copyCheckout, makeTemplate } from './checkout.js';

export const IS_ROOT = process.getuid?.() === 0;

let template: string;

/** A directory with the data of an earlier start, lent to one test after another because making data takes long. */
let earlier: string;
let isEarlierLent: boolean;

/** Removed after each test, with all servers whose directories are registered. */
export let folder: string;
let directories: string[];
export let children: ChildProcess[];

/** Gives each test around it an empty folder, and ends its processes and servers after it. */
export function useFolders(): void {
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
}

/** A test that only root can run; for everybody else its title says why it was not. */
export function itAsRoot(title: string, body: () => Promise<void>): void {
  if (IS_ROOT) {
    it(title, body);
  } else {
    it.skip(`${title} (skipped: only root can become another user)`, body);
  }
}

export function directory(name = join('checkout', '.cufflink')): string {
  return join(folder, name);
}

export function dataDirectory(): string {
  return join(directory(), 'postgres', 'data');
}

export function reachableFolder(): string {
  return join(folder, 'reachable');
}

export function start(options: Partial<EmbeddedPostgresOptions> = {}, name?: string) {
  directories.push(directory(name));
  return startEmbeddedPostgres({ directory: directory(name), reachableFolder: reachableFolder(), ...options });
}

export async function lendEarlierData(): Promise<void> {
  await mkdir(dirname(directory()), { recursive: true });
  await rename(earlier, directory());
  isEarlierLent = true;
}

/** A folder like root's own: mode 0700. */
export async function makePrivateHome(): Promise<string> {
  const home = join(folder, 'home');
  await mkdir(home, { mode: 0o700 });
  return home;
}

export async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows[0]?.value;
  } finally {
    await client.end();
  }
}

export async function keep(url: string, value: string): Promise<void> {
  await query(url, 'DROP TABLE IF EXISTS kept');
  await query(url, `CREATE TABLE kept AS SELECT '${value}' AS value`);
}

export function kept(url: string): Promise<unknown> {
  return query(url, 'SELECT value FROM kept');
}

export async function accountOf(name: string): Promise<{ uid: number; gid: number }> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** Makes a checkout in the folder of the test. */
export async function makeCheckout(name: string, { ownPackages = false } = {}): Promise<string> {
  const checkout = join(folder, name);
  await copyCheckout(template, checkout, ownPackages);
  return checkout;
}

export function spawnStarter(
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
export async function startInChild(
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
export async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.stdin?.write('stop\n');
  await ended;
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Ends the server on a directory, if one runs, by its process id. */
export async function endServer(path: string, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const serverData = join(path, 'postgres', 'data');
  const running = await findPostmaster(serverData).catch(() => undefined);
  if (running !== undefined) {
    process.kill(running.processId, signal);
    while ((await findPostmaster(serverData)) !== undefined) {
      await sleep(10);
    }
  }
}
