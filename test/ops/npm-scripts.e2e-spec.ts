import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { runMigrationCommand } from '../support/migration-command.js';
import {
  checkout,
  startCommand,
  startProcess,
  type ServiceProcess,
  waitUntilReady,
} from '../support/service-process.js';
import { rowsOf } from '../support/rows.js';
import { createTestDatabase } from '../support/test-database.js';

/** The scripts of package.json as an operator runs them, in a folder without a `.env` of the developer. */
let folder: string;
let environment: Record<string, string>;
let running: ServiceProcess[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cufflink-scripts-'));
  for (const name of ['bin', 'dist', 'node_modules']) {
    await symlink(join(checkout, name), join(folder, name));
  }
  await copyFile(join(checkout, 'package.json'), join(folder, 'package.json'));
});

beforeEach(async () => {
  running = [];
  environment = {
    DATABASE_URL: await createTestDatabase(),
    PUBLIC_URL: 'https://link.example.com',
    RETURN_URLS: 'https://app.example.com/devices',
    ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
    DRAIN_SECONDS: '0',
  };
});

// SIGKILL would end npm alone and leave the service behind.
afterEach(() => Promise.all(running.map((each) => each.stop('SIGTERM'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Started {
  readonly script: ServiceProcess;
  readonly url: string;
}

async function start(script: 'start:prod' | 'start:worker', change: Record<string, string> = {}): Promise<Started> {
  const port = String(await findFreePort());
  const process = startCommand(['npm', 'run', '--silent', script], folder, { ...environment, PORT: port, ...change });
  running.push(process);
  return { script: process, url: `http://127.0.0.1:${port}` };
}

describe('npm run start:prod and start:worker', () => {
  beforeEach(async () => {
    await expect(runMigrationCommand(['migration:run'], String(environment['DATABASE_URL']))).resolves.toMatchObject({
      status: 0,
    });
  });

  it('share a fresh database if the API starts first, and end on SIGTERM', async () => {
    const api = await start('start:prod');
    await waitUntilReady(api.script, api.url);
    const worker = await start('start:worker');
    await waitUntilReady(worker.script, worker.url);

    expect(worker.script.stdout()).toMatch(/^\{"level":30,/);
    // Waits for the end of everything that writes to the output of npm, the service included.
    await Promise.all([api.script.stop('SIGTERM'), worker.script.stop('SIGTERM')]);
    for (const { url } of [api, worker]) {
      await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
    }
  });

  it('leave the keys of a fresh database to the API if the worker starts first', async () => {
    const tooEarly = await start('start:worker');
    await expect(tooEarly.script.ended()).resolves.toMatchObject({ status: 1 });
    expect(tooEarly.script.stderr()).toContain('Start the API first');
    await expect(rowsOf(String(environment['DATABASE_URL']), 'vault_keys')).resolves.toEqual([]);

    const api = await start('start:prod');
    await waitUntilReady(api.script, api.url);
    const worker = await start('start:worker');
    await waitUntilReady(worker.script, worker.url);
  });

  it('name the environment that the keys belong to', async () => {
    const api = await start('start:prod');
    await waitUntilReady(api.script, api.url);

    const other = await start('start:worker', { ENVIRONMENT_NAME: 'staging' });

    await expect(other.script.ended()).resolves.toMatchObject({ status: 1 });
    expect(other.script.stderr()).toContain('The keys of this database belong to the environment "production"');
  });

  it('log the address that they listen on', async () => {
    const everywhere = await start('start:prod');
    await waitUntilReady(everywhere.script, everywhere.url);
    const hasIPv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ family }) => family === 'IPv6'));
    const port = new URL(everywhere.url).port;
    expect(everywhere.script.stdout()).toContain(`Listening on http://${hasIPv6 ? '[::]' : '0.0.0.0'}:${port}.`);

    const one = await start('start:prod', { HOST: '127.0.0.1' });
    await waitUntilReady(one.script, one.url);
    expect(one.script.stdout()).toContain(`Listening on ${one.url}.`);
  });
});

it('npm run start:prod reports every wrong setting at once', async () => {
  const { script } = await start('start:prod', {
    PUBLIC_URL: '',
    RETURN_URLS: 'https://*.example.com/',
    ENCRYPTION_ROOT_KEY: 'short',
    LOG_FORMAT: 'xml',
    WHOOP_CLIENT_ID: 'an-id',
    OURA_CLIENT_SECRET: 'not-a-real-secret',
  });

  await expect(script.ended()).resolves.toMatchObject({ status: 1 });

  for (const text of ['LOG_FORMAT', 'RETURN_URLS', 'ENCRYPTION_ROOT_KEY', 'WHOOP_CLIENT_SECRET', 'OURA_CLIENT_ID']) {
    expect(script.stderr()).toContain(text);
  }
  expect(script.stderr()).not.toContain('not-a-real-secret');
});

it('the command line says what to do before a build', async () => {
  const unbuilt = await mkdtemp(join(tmpdir(), 'cufflink-unbuilt-'));
  try {
    await mkdir(join(unbuilt, 'bin'));
    await copyFile(join(checkout, 'bin/cufflink.js'), join(unbuilt, 'bin/cufflink.js'));
    await copyFile(join(checkout, 'package.json'), join(unbuilt, 'package.json'));
    const program = startProcess(['bin/cufflink.js', 'doctor'], unbuilt, {});

    await expect(program.ended()).resolves.toMatchObject({ status: 2 });

    expect(program.output()).toBe('Cufflink is not built yet. Run `npm run build` first.\n');
  } finally {
    await rm(unbuilt, { recursive: true, force: true });
  }
});
