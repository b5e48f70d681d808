import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { whoopSandbox } from '../../src/providers/whoop/whoop.sandbox.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { runMigrationCommand } from '../support/migration-command.js';
import {
  checkout,
  endPostgres,
  type Ending,
  findPostgres,
  removeDirectory,
  startProcess,
  type ServiceProcess,
  startService,
  waitUntilReady,
} from '../support/service-process.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { request } from '../../src/sandbox/testing/request.js';

interface Credentials {
  readonly api_url: string;
  readonly api_key: string;
  readonly sandbox_url: string;
}

const banner = 'Start a link, then open its link_web_url in a browser';

let directory: string;
let processes: ServiceProcess[];

beforeAll(async () => {
  directory = await makeDirectory();
});

beforeEach(() => {
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map((each) => each.stop('SIGKILL')));
});

afterAll(() => removeDirectory(directory));

describe('node dist/main.js in development', () => {
  let firstStart: { credentials: Credentials; stdout: string; stderr: string; modes: number[]; statuses: number[] };
  let firstLink: Record<
    'start' | 'end' | 'token' | 'answer' | 'proxied',
    { status: number; body: Record<string, unknown> }
  >;
  let callback: URL;

  beforeAll(async () => {
    processes = [];
    const service = await startDevelopment();
    const credentials = await readCredentials();
    const { api_url: apiUrl, sandbox_url: sandboxUrl } = credentials;
    firstStart = {
      credentials,
      stdout: service.stdout(),
      stderr: service.stderr(),
      modes: await Promise.all(['dev-credentials.json', 'root-key', 'postgres.password'].map(modeOf)),
      statuses: await Promise.all([`${apiUrl}/health/ready`, `${apiUrl}/docs`, `${sandboxUrl}/`].map(status)),
    };
    const { url, key } = await readCurl(service);
    const start = await call('POST', url, key);
    callback = await consent(String(start.body['link_web_url']), { account: '4711' });
    const end = await call('GET', callback.href);
    const token = await call('GET', `${apiUrl}/v1/users/user-1/connections/whoop/token`, key);
    const answer = await call('GET', `${sandboxUrl}/whoop${whoopSandbox.apiPath}`, String(token.body['access_token']));
    const proxied = await call('GET', `${apiUrl}/v1/users/user-1/connections/whoop/proxy/cycle?limit=10`, key);
    firstLink = { start, end, token, answer, proxied };
    await service.stop();
  });

  afterEach(() => endPostgres(directory, 'SIGINT'));

  it('starts a database, the API and the sandbox from nothing, and says where they are', () => {
    const { credentials, stdout } = firstStart;

    expect(credentials).toEqual({
      api_url: expect.stringMatching(/^http:\/\/localhost:\d+$/),
      api_key: expect.stringMatching(/^cuff_[0-9a-f]{18}_[\w-]{43}$/),
      sandbox_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });
    for (const text of [credentials.api_url, credentials.sandbox_url, credentialsFile()]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toContain('Creating a PostgreSQL data directory');
    expect(stdout).not.toContain(credentials.api_key);
    expect(firstStart.stderr).toBe('');
    expect(firstStart.modes).toEqual([0o600, 0o600, 0o600]);
    expect(firstStart.statuses).toEqual([200, 200, 200]);
  });

  it('starts a link by the printed curl, which a user then completes by hand', () => {
    const { start, end, answer, proxied } = firstLink;

    expect(start.status).toBe(201);
    expect(new URL(String(start.body['link_web_url'])).origin).toBe(firstStart.credentials.sandbox_url);
    expect(callback.origin).toBe(firstStart.credentials.api_url);
    expect(end).toMatchObject({ status: 200, body: { success: true, provider: 'whoop' } });
    expect(answer).toMatchObject({ status: 200, body: { ok: true, account_id: '4711' } });
    expect(proxied).toMatchObject({ status: 200, body: { account_id: '4711', received: { query: 'limit=10' } } });
  });

  it('keeps the API key and the connections over a stop by SIGTERM, which ends the database too', async () => {
    const service = await startDevelopment();
    await expect(findPostgres(directory)).resolves.toBeDefined();

    await expect(service.stop('SIGTERM')).resolves.toEqual({ status: 0, signal: null });
    await expect(findPostgres(directory)).resolves.toBeUndefined();
    await startDevelopment();

    await expectConnection();
  });

  it('starts again after kill -9, on the database that was left running', async () => {
    const first = await startDevelopment();
    await first.stop('SIGKILL');
    await expect(findPostgres(directory)).resolves.toBeDefined();

    const second = await startDevelopment();

    expect(second.stdout()).toContain('Attached to the PostgreSQL already running');
    await expectConnection();
  });

  it('starts again after kill -9 of the service and of the database', async () => {
    const first = await startDevelopment();
    await first.stop('SIGKILL');
    await endPostgres(directory, 'SIGKILL');

    await startDevelopment();

    await expectConnection();
  });

  it('refuses a second start in the same folder, says what to do, and leaves the credentials of the first', async () => {
    const first = await startDevelopment();
    const before = await readFile(credentialsFile());

    const second = keep(startService(directory, { PORT: String(await findFreePort()), SANDBOX_PORT: '0' }));

    await expect(second.ended()).resolves.toEqual({ status: 1, signal: null });
    const { api_url: url } = await readCredentials();
    expect(second.stderr()).toMatch(`Cufflink cannot start. Cufflink already runs in this folder, at ${url}.`);
    expect(second.stderr()).toContain('start it in another folder with other values of PORT and SANDBOX_PORT');
    await expect(readFile(credentialsFile())).resolves.toEqual(before);
    await expect(status(`${url}/health/ready`)).resolves.toBe(200);
    expect(first.child.exitCode).toBeNull();
  });

  it('keeps the grants of the fake providers over a stop, so that a refresh works after it', async () => {
    await startDevelopment();
    const { api_url: url, api_key: key } = await readCredentials();
    const tokenUrl = `${url}/v1/users/user-1/connections/whoop`;
    const before = await call('GET', `${tokenUrl}/token`, key);

    await expect(call('POST', `${tokenUrl}/refresh`, key)).resolves.toMatchObject({ status: 200 });

    const after = await call('GET', `${tokenUrl}/token`, key);
    expect(after.status).toBe(200);
    expect(after.body['fingerprint']).not.toBe(before.body['fingerprint']);
    await expect(call('GET', `${tokenUrl}/proxy/cycle`, key)).resolves.toMatchObject({ status: 200 });
  });

  it('takes the credentials file back to mode 0600 and makes a new key where the database does not know the old one', async () => {
    const before = await readFile(credentialsFile());
    await writeFile(credentialsFile(), JSON.stringify({ api_key: `cuff_${'0'.repeat(18)}_${'A'.repeat(43)}` }));
    await chmod(credentialsFile(), 0o644);

    await startDevelopment();

    const credentials = await readCredentials();
    await expect(modeOf('dev-credentials.json')).resolves.toBe(0o600);
    expect(credentials.api_key).not.toBe(firstStart.credentials.api_key);
    await expect(call('GET', `${credentials.api_url}/v1/providers`, credentials.api_key)).resolves.toMatchObject({
      status: 200,
    });
    await writeFile(credentialsFile(), before);
  });

  it('sends the requests of a provider with credentials to its own endpoints, and those of the others to the sandbox', async () => {
    await startDevelopment({ WHOOP_CLIENT_ID: 'id', WHOOP_CLIENT_SECRET: 'secret' });

    const { api_url: url, api_key: key } = await readCredentials();
    const { body } = await call('GET', `${url}/v1/providers`, key);

    expect(body['providers']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ slug: 'whoop', configured: true, sandbox: false }),
        expect.objectContaining({ slug: 'garmin', configured: true, sandbox: true }),
      ]),
    );
  });

  it('ends with a sentence that names a taken PORT, status 1, and no database left behind', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const service = keep(startService(directory, { PORT: String(port), SANDBOX_PORT: '0' }));

      await expect(service.ended()).resolves.toEqual({ status: 1, signal: null });

      expect(service.stderr()).toMatch(`Cufflink cannot start. PORT ${port} cannot be used`);
      expect(service.stdout()).toContain('Started PostgreSQL');
      await expect(findPostgres(directory)).resolves.toBeUndefined();
    } finally {
      holder.close();
    }
  });

  it('falls back to a free port for the sandbox when another process has SANDBOX_PORT', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await startDevelopment({ SANDBOX_PORT: String(port) });

      const { sandbox_url: url } = await readCredentials();
      expect(url).not.toContain(`:${port}`);
      await expect(status(`${url}/`)).resolves.toBe(200);
    } finally {
      holder.close();
    }
  });

  it.each([
    ['SANDBOX_PORT', { SANDBOX_PORT: 'abc' }],
    ['SANDBOX_URL', { SANDBOX_URL: 'nowhere' }],
    ['PORT', { PORT: '65536' }],
    ['NODE_ENV', { NODE_ENV: 'prod' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['WHOOP_CLIENT_SECRET', { WHOOP_CLIENT_ID: 'id' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
  ])('names a wrong %s, ends with status 1 and leaves no database behind', async (variable, environment) => {
    const service = keep(
      startService(directory, { PORT: String(await findFreePort()), SANDBOX_PORT: '0', ...environment }),
    );

    await expect(service.ended()).resolves.toEqual({ status: 1, signal: null });

    expect(service.stderr()).toMatch(new RegExp(`Cufflink cannot start\\. .*${variable}`));
    await expect(findPostgres(directory)).resolves.toBeUndefined();
  });

  async function expectConnection(): Promise<void> {
    const { api_url: url, api_key: key } = await readCredentials();
    expect(key).toBe(firstStart.credentials.api_key);
    await expect(call('GET', `${url}/v1/users/user-1/connections/whoop`, key)).resolves.toMatchObject({
      status: 200,
      body: { connection_id: firstLink.end.body['connection_id'], status: 'active' },
    });
  }

  async function startDevelopment(environment: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const port = String(await findFreePort());
    const service = keep(startService(directory, { PORT: port, SANDBOX_PORT: '0', ...environment }));
    await service.waitFor(banner);
    return service;
  }

  /** Does what the shell does with the printed command. */
  async function readCurl(service: ServiceProcess): Promise<{ url: string; key: string }> {
    await service.waitFor('api_key');
    const curl = /curl -s -X POST (\S+) \\\n {4}-H "Authorization: Bearer \$\(node -p '([^']+)'\)"\n/.exec(
      service.stdout(),
    );
    const print = startProcess(['-p', curl?.[2] ?? ''], directory, {});
    await print.ended();
    return { url: curl?.[1] ?? '', key: print.stdout().trim() };
  }

  async function modeOf(name: string): Promise<number> {
    return (await stat(join(directory, '.cufflink', name))).mode & 0o777;
  }

  function credentialsFile(): string {
    return join(directory, '.cufflink/dev-credentials.json');
  }

  async function readCredentials(): Promise<Credentials> {
    return JSON.parse(await readFile(credentialsFile(), 'utf8')) as Credentials;
  }
});

describe('node dist/main.js in production', () => {
  const rootKey = randomBytes(32);
  let working: string;
  let databaseUrl: string;
  let valid: Readonly<Record<string, string>>;

  beforeAll(async () => {
    working = await makeDirectory();
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
      const demo = await Promise.all(['/demo', '/demo/return', '/demo/user'].map((path) => status(url + path)));
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

/** A directory that PostgreSQL's own user can enter when we are root. */
async function makeDirectory(): Promise<string> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-start-'));
  await chmod(path, 0o755);
  return path;
}

/** Sees to it that the process ends with the test. */
function keep(service: ServiceProcess): ServiceProcess {
  processes.push(service);
  return service;
}

async function call(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  key?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { statusCode, body } = await request(url, { method, headers });
  return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
}

async function status(url: string): Promise<number> {
  const { statusCode, body } = await request(url);
  await body.dump();
  return statusCode;
}
