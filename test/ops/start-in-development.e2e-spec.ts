import { once } from 'node:events';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { whoopSandbox } from '../../src/providers/whoop/whoop.sandbox.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import {
  endPostgres,
  findPostgres,
  removeDirectory,
  startProcess,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { call, makeReachableDirectory, statusOf, useProcesses } from '../support/started-processes.js';

const keep = useProcesses();

interface Credentials {
  readonly api_url: string;
  readonly api_key: string;
  readonly sandbox_url: string;
}

const banner = 'Start a link, then open its link_web_url in a browser';

let directory: string;

beforeAll(async () => {
  directory = await makeReachableDirectory();
});

afterAll(() => removeDirectory(directory));

describe('node dist/main.js in development', () => {
  let firstStart: { credentials: Credentials; stdout: string; stderr: string; modes: number[]; statuses: number[] };
  let firstLink: Record<
    'start' | 'end' | 'token' | 'response' | 'proxied',
    { status: number; body: Record<string, unknown> }
  >;
  let callback: URL;

  beforeAll(async () => {
    const service = await startDevelopment();
    const credentials = await readCredentials();
    const { api_url: apiUrl, sandbox_url: sandboxUrl } = credentials;
    firstStart = {
      credentials,
      stdout: service.stdout(),
      stderr: service.stderr(),
      modes: await Promise.all(['dev-credentials.json', 'root-key', 'postgres.password'].map(modeOf)),
      statuses: await Promise.all([`${apiUrl}/health/ready`, `${apiUrl}/docs`, `${sandboxUrl}/`].map(statusOf)),
    };
    const { url, key } = await readCurl(service);
    const start = await call('POST', url, key);
    callback = await consent(String(start.body['link_web_url']), { account: '4711' });
    const end = await call('GET', callback.href);
    const token = await call('GET', `${apiUrl}/v1/users/user-1/connections/whoop/token`, key);
    const data = `${sandboxUrl}/whoop${whoopSandbox.apiPath}`;
    const response = await call('GET', data, String(token.body['access_token']));
    const proxied = await call('GET', `${apiUrl}/v1/users/user-1/connections/whoop/proxy/cycle?limit=10`, key);
    firstLink = { start, end, token, response, proxied };
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
    const { start, end, response, proxied } = firstLink;

    expect(start.status).toBe(201);
    expect(new URL(String(start.body['link_web_url'])).origin).toBe(firstStart.credentials.sandbox_url);
    expect(callback.origin).toBe(firstStart.credentials.api_url);
    expect(end).toMatchObject({ status: 200, body: { success: true, provider: 'whoop' } });
    expect(response).toMatchObject({ status: 200, body: { ok: true, account_id: '4711' } });
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
    await expect(statusOf(`${url}/health/ready`)).resolves.toBe(200);
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
      await expect(statusOf(`${url}/`)).resolves.toBe(200);
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
