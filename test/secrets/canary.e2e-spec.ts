import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { makeTestCertificate } from '../../src/provider-kit/testing/test-certificate.js';
import type { ProviderDefinition } from '../../src/provider-kit/definition/provider-definition.js';
import {
  environmentPrefix,
  sandboxClientId,
  sandboxClientSecret,
} from '../../src/provider-kit/definition/provider-settings.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.js';
import { encodedForms, type Hit, SecretSearch } from '../support/secret-search.js';
import {
  checkout,
  removeDirectory,
  type ServiceProcess,
  startProcess,
  startService,
  waitUntilReady,
} from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';
import { readDatabaseFiles } from './support/database-files.js';
import { EveryCall, oauth1, oauth2 } from './support/every-call.js';
import { asked, planted } from './support/planted-secrets.js';
import { RecordingCaller, type SeenResponse } from './support/recording-caller.js';
import { RememberedSecrets } from './support/remembered-secrets.js';

/**
 * Two real processes, one as a newcomer starts it and one as in production, both at the most talkative log level. Every
 * link of every provider goes through them, right and wrong in every way the sandbox knows; then all that came out of
 * them is searched for all that must not.
 */
describe.each([
  { name: 'in development', production: false },
  { name: 'in production', production: true },
])('a process $name at the log level trace (LOG-01)', ({ production }) => {
  const providers: readonly ProviderDefinition[] = [...oauth2, ...oauth1];
  const secrets = new RememberedSecrets();
  let responses: readonly SeenResponse[];
  let states: readonly string[];
  let databaseUrl: string;
  let directory: string;
  let sandbox: VendorSandbox;
  let proxy: RecordingProxy;
  let service: ServiceProcess;
  let url: string;
  let search: SecretSearch;
  let dumps: Buffer[];

  beforeAll(async () => {
    directory = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-canary-'));
    await chmod(directory, 0o755);
    databaseUrl = await createTestDatabase();
    sandbox = await VendorSandbox.start({
      providers: new Map(providers.map((definition) => [definition.slug, definition.sandbox])),
    });
    const certificate = makeTestCertificate({ ip: '127.0.0.1' });
    proxy = await startRecordingProxy(sandbox.url, production ? certificate : undefined);
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    const rootKey = randomBytes(32);
    const environment = {
      PORT: String(port),
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      DATABASE_URL: databaseUrl,
      ENCRYPTION_ROOT_KEY: rootKey.toString('base64'),
      ...(production ? productionSettings() : { SANDBOX_URL: proxy.url }),
    };
    if (production) {
      await writeFile(join(directory, 'certificate.pem'), certificate.cert);
      await runMigrationCommand(['migration:run'], databaseUrl);
    }
    service = startService(directory, environment);
    await waitUntilReady(service, url);
    const created = startProcess(
      [join(checkout, 'dist/cli/main.js'), 'api-keys', 'create', '--name', 'canary', '--scopes', allScopes],
      directory,
      environment,
    );
    await created.ended();
    const key = created.stdout().trim();
    secrets.remember('API key', key);
    secrets.remember('secret half of the API key', key.split('_').slice(2).join('_'));
    secrets.remember('root key in base64', rootKey.toString('base64'));
    secrets.remember('database password', decodeURIComponent(new URL(databaseUrl).password));
    for (const [kind, value] of Object.entries(planted)) {
      secrets.remember(`planted ${kind}`, value);
    }

    const caller = new RecordingCaller({ url, key, databaseUrl, sandbox, proxy, production }, secrets);
    ({ responses, states } = caller);
    await new EveryCall(caller).runEverything();
    dumps = await readDatabaseFiles(databaseUrl);
    await service.stop();
    dumps.push(...(await readDatabaseFiles(databaseUrl)));
    for (const { slug } of providers) {
      secrets.remember('client secret', sandboxClientSecret(slug));
    }
    secrets.collectFrom(proxy.exchanges);
    search = new SecretSearch([...secrets.list(), { kind: 'root key', value: rootKey }]);
  }, 600_000);

  afterAll(async () => {
    await service.stop('SIGKILL');
    await proxy.stop();
    await sandbox.stop();
    await removeDirectory(directory);
  });

  it('went through every kind of failure, and met every kind of secret', () => {
    const codes = new Set(responses.map(({ json }) => json['code']));
    const kinds = secrets.list().map(({ kind }) => kind);

    expect([...codes]).toEqual(expect.arrayContaining(expectedCodes));
    for (const kind of expectedKinds.filter((each) => !production || !each.startsWith('OAuth 1.0a'))) {
      expect(kinds).toContain(kind);
    }
    expect(secrets.size).toBeGreaterThan(200);
    expect(states.length).toBeGreaterThan(50);
    expect(responses.some(({ call, status: code }) => call.endsWith('/token') && code === 200)).toBe(true);
    for (const text of ['violates check constraint', 'relation \\"connections\\" does not exist']) {
      expect(service.stdout().includes(text)).toBe(true);
    }
  });

  it('writes no secret to standard output or error, in no encoding (LOG-02, LOG-03, CR-12)', () => {
    expect(service.stdout().length).toBeGreaterThan(10_000);
    expect(search.find(service.output())).toEqual([]);
  });

  it('responds with no secret, except a token where a token was requested, and the state and token of a link that was started', () => {
    const found = responses.flatMap((response) =>
      hitsOf(response).map(({ kind, form }) => `${response.call} ${response.status}: ${kind}, ${form}`),
    );

    expect(found).toEqual([]);
  });

  it('keeps nothing of the path, the query or the body of a proxied call (LOG-06)', () => {
    const proxied = responses.filter(({ call, status: code }) => call.includes('/proxy/') && code === 200);
    expect(proxied.length).toBeGreaterThan(production ? 8 : 12);
    expect(proxied.some(({ body }) => body.includes(asked))).toBe(true);
    expect(proxy.exchanges.some(({ target }) => target.includes(asked))).toBe(true);
    const search = new SecretSearch([{ kind: 'what was asked', value: asked }]);
    expect(search.find(service.output())).toEqual([]);
    expect(dumps.flatMap((dump) => search.find(dump))).toEqual([]);
  });

  it('serves /metrics and /docs-json without any secret (LOG-12)', () => {
    for (const path of ['/metrics', '/docs-json']) {
      const response = responses.find(({ call, status: code }) => call === `GET ${path}` && code === 200);
      expect(response?.body.length).toBeGreaterThan(500);
      expect(search.find(response?.body ?? '')).toEqual([]);
    }
  });

  it('leaves no secret in a table, an index, a file of the database or its write-ahead log (CR-12)', () => {
    const bytes = dumps.reduce((sum, { length }) => sum + length, 0);

    expect(bytes).toBeGreaterThan(100_000);
    expect(dumps.flatMap((dump) => search.find(dump))).toEqual([]);
  });

  it('puts no secret into a URL (TE-02)', () => {
    const emitted = proxy.exchanges.filter(({ headers }) => headers['user-agent'] === 'cufflink');
    const leaks = emitted.flatMap(({ target, headers }) =>
      search.find(`${target}\n${headers.referer ?? ''}`).map(({ kind }) => ({ path: target.split('?', 1)[0], kind })),
    );

    expect(emitted.length).toBeGreaterThan(100);
    expect(leaks).toEqual([]);
  });

  it('finds each of these secrets in each of its encodings, when the output does hold it', () => {
    for (const { kind, value } of secrets.list()) {
      for (const [form, bytes] of encodedForms(value)) {
        const output = Buffer.concat([Buffer.from('{"level":20,"msg":"sent '), bytes, Buffer.from('"}\n')]);
        expect(search.find(output)).toContainEqual({ kind, form, value });
      }
    }
  });

  /** Secrets in a response that the call must not return. */
  function hitsOf({ call: name, status: code, headers, body, json }: SeenResponse): Hit[] {
    const given = new Set<unknown>();
    if (code === 201 && name.endsWith('/link')) {
      given.add(json['state']).add(new URL(String(json['link_web_url'])).searchParams.get('oauth_token'));
    } else if (code === 200 && /^GET .*\/token$/.test(name)) {
      given.add(json['access_token']).add(json['token']).add(json['token_secret']);
    } else if (code === 200 && name.endsWith('/sign')) {
      const [, token = ''] = /oauth_token="([^"]*)"/.exec(String(json['authorization'])) ?? [];
      given.add(decodeURIComponent(token));
    } else if (headers.includes('"cufflink-answer-from"')) {
      // Texts of the provider itself, and signatures, which are used up by then.
      given.add(planted.providerBody).add(planted.providerToken);
      const signatures = secrets.list().filter(({ kind }) => kind === 'OAuth 1.0a signature');
      signatures.forEach(({ value }) => given.add(value));
    }
    return [...search.find(headers), ...search.find(body).filter(({ value }) => !given.has(value))];
  }

  /** Every endpoint over https to the sandbox. Oura's revocation lies beside its API and cannot be moved. */
  function productionSettings(): Record<string, string> {
    const settings: Record<string, string> = {
      NODE_ENV: 'production',
      API_DOCS: 'on',
      ALLOW_RETIRED_PROVIDERS: 'true',
      LINK_CONFIRMATION: 'optional',
      OUTBOUND_PRIVATE_HOSTS: '127.0.0.1',
      PUBLIC_URL: 'https://link.example.com',
      NODE_EXTRA_CA_CERTS: join(directory, 'certificate.pem'),
    };
    for (const definition of providers) {
      const prefix = environmentPrefix(definition.slug);
      const set = (name: string, original: string): void => {
        settings[`${prefix}_${name}`] =
          `${proxy.url}/${definition.slug}${new URL(original).pathname.replace(/\/$/, '')}`;
      };
      settings[`${prefix}_CLIENT_ID`] = sandboxClientId(definition.slug);
      settings[`${prefix}_CLIENT_SECRET`] = sandboxClientSecret(definition.slug);
      set('AUTH_URL', definition.authorizeUrl);
      set('API_BASE_URL', String(definition.apiBaseUrl));
      if (definition.oauth === '2.0') {
        set('TOKEN_URL', definition.tokenUrl);
      } else {
        set('REQUEST_TOKEN_URL', definition.requestTokenUrl);
        set('ACCESS_TOKEN_URL', definition.accessTokenUrl);
      }
    }
    return settings;
  }
});

const allScopes = 'links:write,connections:read,connections:write,tokens:read,tokens:sign,admin';

const expectedKinds = [
  'access token',
  'refresh token',
  'authorization code',
  'PKCE verifier',
  'state',
  'OAuth 1.0a verifier',
  'OAuth 1.0a token',
  'OAuth 1.0a token secret',
  'OAuth 1.0a signature',
  'client secret',
  'Basic credentials',
];

const expectedCodes = [
  'API_KEY_INVALID',
  'AUTHORIZATION_CODE_REFUSED',
  'AUTHORIZATION_DENIED',
  'AUTHORIZATION_FAILED',
  'AUTHORIZATION_STATE_INVALID',
  'CALL_ANSWER_UNUSABLE',
  'CALL_UNSUPPORTED',
  'CONNECTION_NOT_FOUND',
  'INTERNAL_ERROR',
  'PROVIDER_MISCONFIGURED',
  'PROVIDER_RATE_LIMITED',
  'PROVIDER_UNAVAILABLE',
  'REQUEST_INVALID',
  'ROUTE_NOT_FOUND',
  'TOKEN_RESPONSE_INVALID',
  'TOKEN_UNREADABLE',
];
