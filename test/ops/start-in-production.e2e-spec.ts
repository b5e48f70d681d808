import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { runMigrationCommand } from '../support/migration-command.js';
import {
  checkout,
  type Ending,
  removeDirectory,
  startProcess,
  type ServiceProcess,
  startService,
  waitUntilReady,
} from '../support/service-process.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { call, makeReachableDirectory, statusOf, useProcesses } from '../support/started-processes.js';

const keep = useProcesses();

describe('node dist/main.js in production', () => {
  const rootKey = randomBytes(32);
  let working: string;
  let databaseUrl: string;
  let valid: Readonly<Record<string, string>>;

  beforeAll(async () => {
    working = await makeReachableDirectory();
    databaseUrl = await createTestDatabase();
    valid = {
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: 'https://link.example.com',
      ENCRYPTION_ROOT_KEY: rootKey.toString('base64'),
      RETURN_URLS: 'https://app.example.com/devices',
      DRAIN_SECONDS: '0',
      PORT: String(await findFreePort()),
    };
  });

  afterAll(() => removeDirectory(working));

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['without a root key', 'ENCRYPTION_ROOT_KEY', { ENCRYPTION_ROOT_KEY: '' }],
    [
      'with a short root key',
      'ENCRYPTION_ROOT_KEY',
      { ENCRYPTION_ROOT_KEY: Buffer.alloc(16, 'k3y').toString('base64') },
    ],
    [
      'with a long root key',
      'ENCRYPTION_ROOT_KEY',
      { ENCRYPTION_ROOT_KEY: Buffer.alloc(33, 'k3y').toString('base64') },
    ],
    [
      'with a root key in no encoding',
      'ENCRYPTION_ROOT_KEY',
      { ENCRYPTION_ROOT_KEY: 'correct horse battery staple 32!' },
    ],
    ['with an all-zero root key', 'ENCRYPTION_ROOT_KEY', { ENCRYPTION_ROOT_KEY: Buffer.alloc(32).toString('base64') }],
    ['with a pattern as root key', 'ENCRYPTION_ROOT_KEY', { ENCRYPTION_ROOT_KEY: '0123'.repeat(16) }],
    [
      'with a short root key in a file',
      'ENCRYPTION_ROOT_KEY_FILE',
      { ENCRYPTION_ROOT_KEY: '', ENCRYPTION_ROOT_KEY_FILE: 'short-key' },
    ],
    ['with two root keys', 'ENCRYPTION_ROOT_KEY_FILE', { ENCRYPTION_ROOT_KEY_FILE: 'root-key' }],
  ])('does not start %s, and names the variable (CR-10)', async (_, variable, change) => {
    await writeFile(join(working, 'root-key'), rootKey.toString('base64'), { mode: 0o600 });
    await writeFile(join(working, 'short-key'), rootKey.subarray(1).toString('base64'), { mode: 0o600 });

    await expectRefusal(change, variable);
  });

  it('does not start with NODE_TLS_REJECT_UNAUTHORIZED=0 (TE-05)', async () => {
    await expectRefusal({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'NODE_TLS_REJECT_UNAUTHORIZED');
  });

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['no DATABASE_URL', 'DATABASE_URL', { DATABASE_URL: '' }],
    ['no PUBLIC_URL', 'PUBLIC_URL', { PUBLIC_URL: '' }],
    ['an http return URL', 'RETURN_URLS', { RETURN_URLS: 'http://app.example.com/' }],
    ['a log format that does not exist', 'LOG_FORMAT', { LOG_FORMAT: 'xml' }],
  ])('does not start with %s, and names the variable', async (_, sentence, change) => {
    await expectRefusal(change, sentence);
  });

  it('does not start with several wrong settings, and lists each of them', async () => {
    const wrong = {
      DATABASE_URL: 'mysql://localhost/x',
      PUBLIC_URL: 'http://link.example.com',
      GARMIN_OAUTH1_CLIENT_ID: 'id',
      OURA_CLIENT_SECRET: 'canary-secret',
      WHOOP_REDIRECT_URL: 'http://localhost/callback',
      WITHINGS_TOKEN_URL: 'http://127.0.0.1:1/token',
      RETURN_URLS: 'https://app.example.com/,app.example.com',
    };
    const service = keep(startService(working, { ...valid, ...wrong }));

    await expect(service.ended()).resolves.toEqual({ status: 1, signal: null });

    const [first, ...others] = service.stderr().trimEnd().split('\n');
    expect(first).toMatch(/^Cufflink cannot start\. /);
    expect(others.filter((line) => !line.startsWith('Also wrong: '))).toEqual([]);
    const named = { ...wrong, GARMIN_OAUTH1_CLIENT_SECRET: '', OURA_CLIENT_ID: '' };
    expect(Object.keys(named).filter((name) => !service.stderr().includes(name))).toEqual([]);
    expect(others).toHaveLength(6);
    expect(service.output()).not.toContain('canary-secret');
  });

  it('does not start on an empty database, says how to prepare it, and leaves it empty', async () => {
    await expectRefusal({}, 'npm run cli -- migrate');

    const tables = await queryDatabase(databaseUrl, `SELECT 1 FROM pg_tables WHERE schemaname = 'public'`);
    expect(tables).toEqual([]);
  });

  it('does not start on a database that does not respond', async () => {
    await expectRefusal({ DATABASE_URL: `postgres://localhost:${await findFreePort()}/none` }, 'ECONNREFUSED');
  });

  describe('on a database prepared by migration:run', () => {
    let url: string;

    beforeAll(async () => {
      await expect(runMigrationCommand(['migration:run'], databaseUrl)).resolves.toMatchObject({ status: 0 });
      url = `http://127.0.0.1:${valid['PORT']}`;
    });

    it('starts without sandbox (even with SANDBOX_URL), demo and files, and logs JSON lines only', async () => {
      const files = await readdir(working);
      const service = await startProduction({ SANDBOX_URL: 'http://127.0.0.1:3001', LOG_LEVEL: 'debug' });
      const key = await createKey('links:write');

      const providers = await call('GET', `${url}/v1/providers`, key);
      const link = await call('POST', `${url}/v1/users/user-1/connections/whoop/link`, key);
      const demo = await Promise.all(['/demo', '/demo/return', '/demo/user'].map((path) => statusOf(url + path)));
      await service.stop();

      const listed = providers.body['providers'] as readonly { configured: boolean; sandbox: boolean }[];
      expect(listed.length).toBeGreaterThan(6);
      expect(listed.every(({ configured, sandbox }) => !configured && !sandbox)).toBe(true);
      expect(link).toMatchObject({ status: 409, body: { code: 'PROVIDER_NOT_CONFIGURED' } });
      expect(demo).toEqual([404, 404, 404]);
      await expect(readdir(working)).resolves.toEqual(files);
      expect(service.stderr()).toBe('');
      const lines = service.stdout().trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual(
        expect.objectContaining({
          msg: 'POST /v1/users/user-1/connections/whoop/link 409',
          req: expect.objectContaining({ address: expect.stringMatching(/^digest:[0-9a-f]{24}$/) }),
        }),
      );
      expect(lines.some((line) => /sandbox/i.test(line))).toBe(false);
    });

    it('ends with a sentence that names a taken PORT and status 1', async () => {
      await startProduction();

      await expectRefusal({}, `PORT ${valid['PORT']}`);
    });

    it('does not start with another root key than that of the database (CR-10)', async () => {
      const other = Buffer.from(rootKey).reverse().toString('base64');

      await expectRefusal({ ENCRYPTION_ROOT_KEY: other }, 'ENCRYPTION_ROOT_KEY');
    });

    it('ends on a mistake that nobody caught, without printing the properties of the error (LOG-02)', async () => {
      // As soon as somebody listens for it.
      const bug = `setInterval(() => {
        if (process.listenerCount('unhandledRejection') > 0) {
          Promise.reject(Object.assign(new Error('bug'), { config: 'can' + 'ary' }));
        }
      }, 10);`;
      const program = join(working, 'with-bug.mjs');
      await writeFile(program, `${bug}\nawait import('${join(checkout, 'dist/main.js')}');`);
      const service = keep(startProcess([program], working, valid));

      await expect(service.ended()).resolves.toEqual({ status: 1, signal: null });

      await rm(program);
      expect(JSON.parse(service.stderr())).toMatchObject({ err: { type: 'Error', message: 'bug' } });
      expect(service.output()).not.toContain('canary');
    });

    it('makes a key by command line that has its scope and no other, and stores only its hash (CR-12)', async () => {
      await startProduction();
      const {
        stdout,
        stderr,
        status: exitStatus,
      } = await cli('create', '--name', 'billing', '--scopes', 'tokens:read');
      const key = stdout.trim();
      const secret = key.split('_').slice(2).join('_');

      expect({ exitStatus, stderr }).toEqual({ exitStatus: 0, stderr: '' });
      expect(key).toMatch(/^cuff_[0-9a-f]{18}_[\w-]{43}$/);
      await expect(call('GET', `${url}/v1/users/user-1/connections/whoop/token`, key)).resolves.toMatchObject({
        body: { code: 'CONNECTION_NOT_FOUND' },
      });
      for (const [method, path] of [
        ['POST', '/v1/users/user-1/connections/whoop/link'],
        ['GET', '/v1/users/user-1/connections'],
        ['DELETE', '/v1/users/user-1/connections/whoop'],
        ['GET', '/metrics'],
      ] as const) {
        await expect(call(method, `${url}${path}`, key)).resolves.toMatchObject({
          status: 403,
          body: { code: 'SCOPE_MISSING' },
        });
      }
      const rows = await queryDatabase<{ text: string }>(databaseUrl, 'SELECT k::text AS text FROM api_keys k');
      const stored = rows.map(({ text }) => text).join('\n');
      expect(stored).toContain('billing');
      expect(stored).not.toContain(secret);
      expect(stored).not.toContain(Buffer.from(secret).toString('hex'));
      expect(stored).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
    });

    it('lists keys without their secrets, and ends one', async () => {
      await startProduction();
      const key = await createKey('admin', 'to be ended');
      const [, id = '', secret = ''] = /^cuff_([^_]+)_(.+)$/.exec(key) ?? [];
      await expect(call('GET', `${url}/v1/providers`, key)).resolves.toMatchObject({ status: 200 });

      const before = await cli('list');
      const revoked = await cli('revoke', id);
      const after = await cli('list');
      const again = await cli('revoke', id);

      expect(before.stdout).toMatch(new RegExp(`^${id} +to be ended +admin +all +\\S+Z +(-|\\S+Z) +- +- +yes$`, 'm'));
      expect(before.stdout + after.stdout).not.toContain(secret);
      expect(revoked).toMatchObject({ status: 0, stdout: expect.stringContaining(`Key ${id} is revoked`) });
      expect(after.stdout).toMatch(new RegExp(`^${id} +to be ended +admin +all +\\S+Z +(-|\\S+Z) +- +\\S+Z +-$`, 'm'));
      expect(again).toMatchObject({
        status: 2,
        stdout: '',
        stderr: `No active key has the id ${id}. Run "api-keys list".\n`,
      });
      const isRefused = async (): Promise<boolean> => (await call('GET', `${url}/v1/providers`, key)).status === 401;
      await until('the key is refused', isRefused);
    });

    it.each([
      ['an unknown scope', ['create', '--name', 'x', '--scopes', 'tokens:read,tokens:all'], 'unknown: tokens:all'],
      ['no scope', ['create', '--name', 'x', '--scopes', ''], "option '--scopes <list>'"],
      ['no --scopes', ['create', '--name', 'x'], "required option '--scopes <list>'"],
      ['no --name', ['create', '--scopes', 'admin'], "required option '--name <name>'"],
      ['a name of two lines', ['create', '--name', 'x\ny', '--scopes', 'admin'], '1 to 100 printable characters'],
      ['a name that is too long', ['create', '--name', 'x'.repeat(101), '--scopes', 'admin'], '1 to 100 printable'],
      ['no id', ['revoke'], "missing required argument 'id'"],
    ])('refuses %s on the command line, says why, and makes no key', async (_, args, sentence) => {
      const before = await queryDatabase(databaseUrl, 'SELECT id FROM api_keys');

      const { status: exitStatus, stdout, stderr } = await cli(...args);

      expect({ exitStatus, stdout }).toEqual({ exitStatus: 2, stdout: '' });
      expect(stderr).toContain(sentence);
      await expect(queryDatabase(databaseUrl, 'SELECT id FROM api_keys')).resolves.toEqual(before);
    });

    it('names the variable when the command line has no database, and how to prepare an empty one', async () => {
      const environment = { NODE_ENV: 'production', ENCRYPTION_ROOT_KEY: rootKey.toString('base64') };
      const without = await run(cliArguments('list'), environment);
      const empty = await run(cliArguments('list'), { ...environment, DATABASE_URL: await createTestDatabase() });

      expect(without).toMatchObject({
        status: 2,
        stdout: '',
        stderr: expect.stringMatching(/^Invalid settings\. DATABASE_URL/),
      });
      expect(empty).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('npm run cli -- migrate') });
    });
  });

  /** @param sentence - in standard error, which has one line */
  async function expectRefusal(change: Readonly<Record<string, string>>, sentence: string): Promise<void> {
    const environment = { ...valid, ...change };
    const service = keep(startService(working, environment));

    await expect(service.ended()).resolves.toEqual({ status: 1, signal: null });

    const stderr = service
      .stderr()
      .split('\n')
      .filter((line) => !/NODE_TLS_REJECT_UNAUTHORIZED' environment variable|--trace-warnings/.test(line));
    expect(stderr).toEqual([expect.stringContaining(sentence), '']);
    expect(stderr[0]).toMatch(/^Cufflink cannot start\. /);
    expect(/\bPORT\b/.test(stderr[0] ?? '')).toBe(sentence.startsWith('PORT'));
    expect(
      service
        .stdout()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('{"level"')),
    ).toEqual([]);
    for (const name of ['ENCRYPTION_ROOT_KEY', 'OURA_CLIENT_SECRET'] as const) {
      const value = (environment as Record<string, string>)[name];
      if (value) {
        expect(service.output()).not.toContain(value);
      }
    }
  }

  async function startProduction(change: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const service = keep(startService(working, { ...valid, ...change }));
    await waitUntilReady(service, `http://127.0.0.1:${valid['PORT']}`);
    return service;
  }

  async function createKey(scopes: string, name = 'test'): Promise<string> {
    return (await cli('create', '--name', name, '--scopes', scopes)).stdout.trim();
  }

  function cli(...args: readonly string[]): Promise<Finished> {
    return run(cliArguments(...args), valid);
  }

  async function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Finished> {
    const service = keep(startProcess(args, working, environment));
    return { ...(await service.ended()), stdout: service.stdout(), stderr: service.stderr() };
  }
});

interface Finished extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

function cliArguments(...args: readonly string[]): string[] {
  return [join(checkout, 'dist/cli/main.js'), 'api-keys', ...args];
}
