import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { findFreePort } from '../../src/development/free-port.js';
import { makeTestCertificate } from '../../src/provider-kit/testing/test-certificate.js';
import type { OAuth2Definition, ProviderDefinition } from '../../src/provider-kit/definition/provider-definition.js';
import {
  environmentPrefix,
  sandboxClientId,
  sandboxClientSecret,
} from '../../src/provider-kit/definition/provider-settings.js';
import { fitbitDefinition } from '../../src/providers/fitbit/fitbit.definition.js';
import { fitbitOauth1Definition } from '../../src/providers/fitbit-oauth1/fitbit-oauth1.definition.js';
import { garminDefinition } from '../../src/providers/garmin/garmin.definition.js';
import { garminOauth1Definition } from '../../src/providers/garmin-oauth1/garmin-oauth1.definition.js';
import { ouraDefinition } from '../../src/providers/oura/oura.definition.js';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { type RecordedExchange, type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.js';
import { encodedForms, type Hit, type Secret, SecretSearch } from '../support/secret-search.js';
import {
  checkout,
  removeDirectory,
  type ServiceProcess,
  startProcess,
  startService,
  waitUntilReady,
} from '../support/service-process.js';
import { damageSealedTokens } from '../support/rows.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

/**
 * Two real processes, one as a newcomer starts it and one as in production, both at the most talkative log level. Every
 * link of every provider goes through them, right and wrong in every way the sandbox knows; then all that came out of
 * them is searched for all that must not.
 */
const oauth2: readonly OAuth2Definition[] = [whoopDefinition, garminDefinition, fitbitDefinition, ouraDefinition];
const oauth1 = [garminOauth1Definition, fitbitOauth1Definition];

/** Texts that stand for secrets nobody issued: a caller or a provider sends them where they do not belong. */
const planted = {
  accessToken: canary('access-token'),
  code: canary('code'),
  verifier: canary('verifier'),
  state: canary('state'),
  errorDescription: canary('error-description'),
  providerBody: canary('provider-body'),
  providerHeader: canary('provider-header'),
  providerToken: canary('provider-token'),
  apiKey: `cuff_${randomBytes(9).toString('hex')}_${randomBytes(32).toString('base64url')}`,
};

/**
 * What a service asks a provider, which is between the two. It stands in the URL that the provider gets, as it should.
 */
const asked = canary('asked');

/** How token responses go wrong. */
const failures = [
  { type: 'echoSecret', error: 'invalid_grant', status: 400 },
  { type: 'echoSecret', error: 'server_error', status: 500 },
  { type: 'echoSecret', error: planted.providerToken, status: 401 },
  { type: 'error', error: 'invalid_client', status: 401 },
  { type: 'errorIn200', error: 'invalid_grant' },
  { type: 'html' },
  { type: 'emptyBody' },
  { type: 'drop' },
  { type: 'drop', processed: true },
  { type: 'redirect', status: 302, location: `https://provider.example/?access_token=${planted.providerToken}` },
  { type: 'hugeBody', bytes: 1_100_000 },
  { type: 'gzipBomb', bytes: 1_100_000 },
  status(500, `<html>${planted.providerBody}</html>`, 'text/html'),
  status(429, planted.providerBody),
  status(400, JSON.stringify({ error: planted.providerToken, error_description: planted.providerBody })),
  status(401, `oauth_problem=${planted.providerToken}&oauth_problem_advice=${planted.providerBody}`),
  status(200, JSON.stringify({ access_token: [planted.providerToken], token_type: planted.providerToken })),
  status(200, JSON.stringify({ access_token: planted.providerToken, token_type: planted.providerBody })),
  status(200, `oauth_token=${planted.providerToken}&oauth_callback_confirmed=true`),
] as const;

/** A public response of the service, with what it is there to tell. */
interface SeenResponse {
  readonly call: string;
  readonly status: number;
  readonly headers: string;
  readonly body: string;
  readonly json: Record<string, unknown>;
}

describe.each([
  { name: 'in development', production: false },
  { name: 'in production', production: true },
])('LOG-01 a process $name at the log level trace', ({ production }) => {
  const providers: readonly ProviderDefinition[] = [...oauth2, ...oauth1];
  const responses: SeenResponse[] = [];
  const secrets = new Map<string, string>();
  const states: string[] = [];
  let databaseUrl: string;
  let directory: string;
  let sandbox: VendorSandbox;
  let proxy: RecordingProxy;
  let service: ServiceProcess;
  let url: string;
  let key: string;
  let userCount = 0;
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
    key = created.stdout().trim();
    remember('API key', key);
    remember('secret half of the API key', key.split('_').slice(2).join('_'));
    remember('root key in base64', rootKey.toString('base64'));
    remember('database password', decodeURIComponent(new URL(databaseUrl).password));
    for (const [kind, value] of Object.entries(planted)) {
      remember(`planted ${kind}`, value);
    }

    await runEverything();
    dumps = await dumpDatabase(databaseUrl);
    await service.stop();
    dumps.push(...(await dumpDatabase(databaseUrl)));
    collectFromProviders();
    search = new SecretSearch([...listSecrets(), { kind: 'root key', value: rootKey }]);
  }, 600_000);

  afterAll(async () => {
    await service.stop('SIGKILL');
    await proxy.stop();
    await sandbox.stop();
    await removeDirectory(directory);
  });

  it('went through every kind of failure, and met every kind of secret', () => {
    const codes = new Set(responses.map(({ json }) => json['code']));
    const kinds = [...secrets.values()];

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

  it('LOG-02 LOG-03 CR-12 writes no secret to standard output or error, in no encoding', () => {
    expect(service.stdout().length).toBeGreaterThan(10_000);
    expect(search.find(service.output())).toEqual([]);
  });

  it('responds with no secret, except a token where a token was asked for, and the state and token of a link that was started', () => {
    const found = responses.flatMap((response) =>
      hitsOf(response).map(({ kind, form }) => `${response.call} ${response.status}: ${kind}, ${form}`),
    );

    expect(found).toEqual([]);
  });

  it('LOG-06 keeps nothing of the path, the query or the body of a proxied call', () => {
    const proxied = responses.filter(({ call, status: code }) => call.includes('/proxy/') && code === 200);
    expect(proxied.length).toBeGreaterThan(production ? 8 : 12);
    expect(proxied.some(({ body }) => body.includes(asked))).toBe(true);
    expect(proxy.exchanges.some(({ target }) => target.includes(asked))).toBe(true);
    const search = new SecretSearch([{ kind: 'what was asked', value: asked }]);
    expect(search.find(service.output())).toEqual([]);
    expect(dumps.flatMap((dump) => search.find(dump))).toEqual([]);
  });

  it('LOG-12 serves /metrics and /docs-json without any secret', () => {
    for (const path of ['/metrics', '/docs-json']) {
      const response = responses.find(({ call, status: code }) => call === `GET ${path}` && code === 200);
      expect(response?.body.length).toBeGreaterThan(500);
      expect(search.find(response?.body ?? '')).toEqual([]);
    }
  });

  it('CR-12 leaves no secret in a table, an index, a file of the database or its write-ahead log', () => {
    const bytes = dumps.reduce((sum, { length }) => sum + length, 0);

    expect(bytes).toBeGreaterThan(100_000);
    expect(dumps.flatMap((dump) => search.find(dump))).toEqual([]);
  });

  it('TE-02 puts no secret into a URL', () => {
    const emitted = proxy.exchanges.filter(({ headers }) => headers['user-agent'] === 'cufflink');
    const leaks = emitted.flatMap(({ target, headers }) =>
      search.find(`${target}\n${headers.referer ?? ''}`).map(({ kind }) => ({ path: target.split('?', 1)[0], kind })),
    );

    expect(emitted.length).toBeGreaterThan(100);
    expect(leaks).toEqual([]);
  });

  it('finds each of these secrets in each of its encodings, when the output does hold it', () => {
    for (const { kind, value } of listSecrets()) {
      for (const [form, bytes] of encodedForms(value)) {
        const output = Buffer.concat([Buffer.from('{"level":20,"msg":"sent '), bytes, Buffer.from('"}\n')]);
        expect(search.find(output)).toContainEqual({ kind, form, value });
      }
    }
  });

  /** All calls, with right and wrong input, at providers that behave and at providers that do not. */
  async function runEverything(): Promise<void> {
    for (const definition of oauth2) {
      await runConnection(definition);
      await runCallbacks(definition);
      for (const failure of [...failures, ...tokenFieldFailures]) {
        await failAt(definition, { ...failure, endpoint: 'token' });
        await failRefresh(definition, { ...failure, endpoint: 'refresh' });
      }
    }
    for (const definition of oauth1) {
      if (production) {
        // The sandbox checks signatures of http URLs, so over https every one of them is refused.
        await start(definition);
        continue;
      }
      await runConnection(definition);
      await runCallbacks(definition);
      for (const failure of failures) {
        await failAt(definition, { ...failure, endpoint: 'access_token' });
        sandbox.provider(definition.slug).misbehave({ ...failure, endpoint: 'request_token' });
        await start(definition);
        sandbox.provider(definition.slug).behave();
      }
    }
    for (const definition of production ? oauth2 : providers) {
      const user = await link(definition);
      for (const failure of failures) {
        // The filler of a huge response, which is passed on, would pass for a token.
        if (failure.type !== 'hugeBody' && failure.type !== 'gzipBomb') {
          await failProxied(definition, user, { ...failure, endpoint: 'api' });
        }
        if (definition.sandbox.account !== undefined) {
          await failAt(definition, { ...failure, endpoint: 'account' });
        }
        if (definition.sandbox.revoke !== undefined && reachesRevocation(definition)) {
          await failRevocation(definition, { ...failure, endpoint: 'revoke' });
        }
      }
    }
    await runMistakes();
    await runWithoutPermission();
    for (const path of ['/metrics', '/docs-json', '/v1/providers', '/health/ready']) {
      await call('GET', path);
    }
  }

  /** Link, look, read, refresh, expire, read, unlink. */
  async function runConnection(definition: ProviderDefinition): Promise<void> {
    const user = await link(definition);
    const path = `/v1/users/${user}/connections`;
    await call('GET', path);
    await call('GET', `${path}/${definition.slug}/token`);
    await callProvider(definition, user);
    await call('POST', `${path}/${definition.slug}/refresh`);
    sandbox.provider(definition.slug).expireAccessTokens();
    await call('POST', `${path}/${definition.slug}/refresh`);
    await call('GET', `${path}/${definition.slug}/token`);
    await call('GET', `${path}/${definition.slug}`);
    if (reachesRevocation(definition)) {
      await call('DELETE', `${path}/${definition.slug}`);
    }
    await call('GET', `${path}/${definition.slug}/token`);
  }

  /** Right and wrong calls of the provider's API, by proxy and with a signature. */
  async function callProvider(definition: ProviderDefinition, user: string): Promise<void> {
    const path = `/v1/users/${user}/connections/${definition.slug}`;
    const { apiPath, apiBasePath = '' } = definition.sandbox;
    const target = apiPath.slice(apiBasePath.length + 1);
    const form = 'application/x-www-form-urlencoded';
    await call('GET', `${path}/proxy/${target}/${asked}?a=${asked}`);
    await call('POST', `${path}/proxy/${target}`, `a=${asked}`, form);
    await call('POST', `${path}/proxy/${target}`, `access_token=${planted.accessToken}`, form);
    await call('GET', `${path}/proxy/${target}?access_token=${planted.accessToken}`);
    await call('GET', `${path}/proxy/a//${planted.code}`);
    const base = `${production ? proxy.url : sandbox.url}/${definition.slug}${apiBasePath}`;
    for (const url of [`${base}/${target}`, `${proxy.url}/${definition.slug}${apiBasePath}/${target}`]) {
      await call('POST', `${path}/sign`, JSON.stringify({ method: 'GET', url }), 'application/json');
    }
  }

  async function failProxied(definition: ProviderDefinition, user: string, wrong: Misbehaviour): Promise<void> {
    const fake = sandbox.provider(definition.slug);
    fake.misbehave(wrong);
    const { apiPath, apiBasePath = '' } = definition.sandbox;
    const target = apiPath.slice(apiBasePath.length + 1);
    await call('POST', `/v1/users/${user}/connections/${definition.slug}/proxy/${target}`, '{}', 'application/json');
    fake.behave();
  }

  async function runCallbacks(definition: ProviderDefinition): Promise<void> {
    const callback = `/v1/oauth/${definition.slug}/callback`;
    const denied = await start(definition);
    await finish(await consent(denied.linkWebUrl, { decision: 'deny' }));
    const forged = await approved(definition);
    await call('GET', `${forged.pathname}${forged.search}&access_token=${planted.accessToken}`);
    await call('GET', `${forged.pathname}${forged.search}&code=${planted.code}`);
    await call('GET', `${forged.pathname}${forged.search}`);
    await call('GET', `${forged.pathname}${forged.search}`);
    await call('GET', `${callback}?code=${planted.code}&oauth_verifier=${planted.verifier}&state=${planted.state}`);
    await call('GET', `${callback}?error=access_denied&error_description=${planted.errorDescription}`);
    const wrong = await approved(definition);
    for (const [name, value] of [
      ['code', planted.code],
      ['oauth_verifier', planted.verifier],
    ] as const) {
      if (wrong.searchParams.has(name)) {
        wrong.searchParams.set(name, value);
      }
    }
    await finish(wrong);
    const { state } = await start(definition);
    const error = new URLSearchParams({
      state,
      error: planted.providerToken,
      error_description: planted.errorDescription,
    });
    await call('GET', `${callback}?${error.toString()}`);
    const form = await approved(definition);
    await call('POST', callback, form.search.slice(1), 'application/x-www-form-urlencoded');
    await call('POST', callback, JSON.stringify({ code: planted.code, state: planted.state }), 'application/json');
    await call('GET', `${callback}/../%zz?code=${planted.code}`);
  }

  async function failAt(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const callback = await approved(definition);
    const fake = sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour);
    await finish(callback);
    fake.behave();
  }

  async function failRefresh(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const user = await link(definition);
    const fake = sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour);
    const path = `/v1/users/${user}/connections/${definition.slug}`;
    await call('POST', `${path}/refresh`);
    fake.behave();
    await call('GET', path);
    await call('GET', `${path}/token`);
  }

  async function failRevocation(definition: ProviderDefinition, misbehaviour: Misbehaviour): Promise<void> {
    const user = await link(definition);
    const fake = sandbox.provider(definition.slug);
    fake.misbehave(misbehaviour, Infinity);
    await call('DELETE', `/v1/users/${user}/connections/${definition.slug}`);
    fake.behave();
  }

  /** What nobody foresaw: the database refuses a row, lacks a table, holds bytes that do not open. */
  async function runMistakes(): Promise<void> {
    const user = await link(whoopDefinition);
    const callback = await approved(whoopDefinition);
    for (const table of ['links', 'connections']) {
      await queryDatabase(
        databaseUrl,
        `ALTER TABLE ${table} ADD CONSTRAINT broken CHECK (provider <> 'whoop') NOT VALID`,
      );
    }
    await finish(callback);
    await start(whoopDefinition);
    for (const table of ['links', 'connections']) {
      await queryDatabase(databaseUrl, `ALTER TABLE ${table} DROP CONSTRAINT broken`);
    }
    await queryDatabase(databaseUrl, 'ALTER TABLE connections RENAME TO elsewhere');
    await call('GET', `/v1/users/${user}/connections`);
    await finish(await approved(garminDefinition));
    await queryDatabase(databaseUrl, 'ALTER TABLE elsewhere RENAME TO connections');
    await damageSealedTokens(databaseUrl, user);
    await call('GET', `/v1/users/${user}/connections/whoop/token`);
    await call('POST', `/v1/users/${user}/connections/whoop/refresh`);
  }

  async function runWithoutPermission(): Promise<void> {
    const path = '/v1/users/user-1/connections/whoop';
    await call('GET', path, undefined, undefined, planted.apiKey);
    await call('GET', path, undefined, undefined, `${key.slice(0, -8)}AAAAAAAA`);
    await call('GET', `${path}?access_token=${planted.accessToken}`, undefined, undefined, '');
    await call('POST', `${path}/link`, `{"return_url":"https://evil.example/?${planted.code}"}`, 'application/json');
    await call('POST', `${path}/link`, `{"token":"${planted.accessToken}"`, 'application/json');
    await call('POST', `${path}/link`, `{"scopes":"${planted.accessToken}"}`, 'application/json');
    await call('GET', '/v1/users/%00/connections');
    await call('GET', '/nowhere');
  }

  async function link(definition: ProviderDefinition): Promise<string> {
    await finish(await approved(definition));
    return `user-${userCount}`;
  }

  async function approved(definition: ProviderDefinition): Promise<URL> {
    const callback = await consent((await start(definition)).linkWebUrl, { account: String(1_000 + userCount) });
    remember('authorization code', callback.searchParams.get('code'));
    remember('OAuth 1.0a verifier', callback.searchParams.get('oauth_verifier'));
    return callback;
  }

  async function start(definition: ProviderDefinition): Promise<{ linkWebUrl: string; state: string }> {
    userCount += 1;
    const { json } = await call('POST', `/v1/users/user-${userCount}/connections/${definition.slug}/link`);
    const { link_web_url: linkWebUrl = '', state = '' } = json as Record<string, string>;
    if (state !== '') {
      states.push(state);
      remember('state', state);
    }
    // The browser does not ask who the provider is.
    return { linkWebUrl: linkWebUrl.replace(proxy.url, sandbox.url), state };
  }

  function finish(callback: URL): Promise<SeenResponse> {
    return call('GET', callback.pathname + callback.search);
  }

  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
    type?: string,
    authorization = key,
  ): Promise<SeenResponse> {
    const isCallback = path.startsWith('/v1/oauth/');
    const response = await request(`${url}${path}`, {
      method,
      headers: {
        ...(authorization === '' || isCallback ? {} : { authorization: `Bearer ${authorization}` }),
        ...(type === undefined ? {} : { 'content-type': type }),
      },
      body: body ?? null,
    });
    const text = await response.body.text();
    const isJson = /json/.test(String(response.headers['content-type']));
    const seen: SeenResponse = {
      call: `${method} ${path.split('?', 1)[0]}`,
      status: response.statusCode,
      headers: JSON.stringify(response.headers),
      body: text,
      json: (isJson ? parseObject(text) : undefined) ?? {},
    };
    responses.push(seen);
    return seen;
  }

  /** What a response holds beyond what it is there for. */
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
      // What the provider wrote of its own, and signatures, which are used up by then.
      given.add(planted.providerBody).add(planted.providerToken);
      [...secrets].filter(([, kind]) => kind === 'OAuth 1.0a signature').forEach(([value]) => given.add(value));
    }
    return [...search.find(headers), ...search.find(body).filter(({ value }) => !given.has(value))];
  }

  function remember(kind: string, value: string | null | undefined): void {
    if (value) {
      secrets.set(value, kind);
    }
  }

  function listSecrets(): Secret[] {
    return [...secrets].map(([value, kind]) => ({ kind, value }));
  }

  /** What only service and provider know of each other. */
  function collectFromProviders(): void {
    for (const { slug } of providers) {
      remember('client secret', sandboxClientSecret(slug));
    }
    for (const exchange of proxy.exchanges) {
      for (const [kind, value] of secretsOf(exchange)) {
        if (value.length >= 16 && !secrets.has(value)) {
          remember(kind, value);
        }
      }
    }
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

  function reachesRevocation(definition: ProviderDefinition): boolean {
    return !production || definition.revocation?.url.startsWith(`${definition.apiBaseUrl}/`) === true;
  }
});

describe('LOG-01 the usual redaction by key path', () => {
  it('lets a secret through in a message, under a deeper key, and on a foreign error', () => {
    const lines: string[] = [];
    const redacting = pino(
      { redact: ['access_token', 'token', '*.access_token', 'req.headers.authorization'] },
      { write: (line) => void lines.push(line) },
    );
    const value = canary('access-token');
    const search = new SecretSearch([{ kind: 'access token', value }]);

    redacting.info({ access_token: value, grant: { access_token: value } }, 'redacted');
    redacting.info(`the provider refused ${value}`);
    redacting.info({ response: { body: { access_token: value } } }, 'deeper');
    redacting.error(Object.assign(new Error('Request failed'), { config: { data: `token=${value}` } }));

    expect(lines.map((line) => search.find(line).length > 0)).toEqual([false, true, true, true]);
  });
});

describe('the search for secrets', () => {
  it('finds bytes in the middle of others, in every form', () => {
    const value = randomBytes(32);
    const search = new SecretSearch([{ kind: 'key', value }]);

    for (const [form, bytes] of encodedForms(value)) {
      const haystack = Buffer.concat([randomBytes(1_001), bytes, randomBytes(999)]);
      expect(search.find(haystack)).toContainEqual({ kind: 'key', form, value });
    }
    expect(search.find(randomBytes(2_000))).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5])('finds base64 of a text that holds the secret at byte %i', (offset) => {
    const value = canary('client-secret');
    const search = new SecretSearch([{ kind: 'client secret', value }]);
    const text = `${'i'.repeat(offset)}${value}:tail`;

    expect(search.find(Buffer.from(text).toString('base64'))).not.toEqual([]);
    expect(search.find(Buffer.from(text).toString('base64url'))).not.toEqual([]);
  });
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

const tokenFieldFailures = [
  { type: 'omitExpiresIn' },
  { type: 'expiresIn', value: planted.providerBody },
  { type: 'badTokenType', value: planted.providerToken },
  { type: 'omitRefreshToken' },
  { type: 'emptyRefreshToken' },
] as const;

function canary(name: string): string {
  return `canary-${name}-${randomBytes(12).toString('hex')}`;
}

function status(code: number, body: string, contentType = 'application/json') {
  const headers = {
    'WWW-Authenticate': `Bearer error_description="${planted.providerHeader}"`,
    'Retry-After': '1',
    'X-Trace': planted.providerHeader,
  };
  return { type: 'status', code, body, contentType, headers } as const;
}

/** The secrets in what was sent to a provider and in its response. */
function* secretsOf({ headers, body, response }: RecordedExchange): Generator<readonly [string, string]> {
  const sent = new URLSearchParams(body);
  const answered = parseObject(response) ?? Object.fromEntries(new URLSearchParams(response));
  for (const [name, kind] of [
    ['code', 'authorization code'],
    ['code_verifier', 'PKCE verifier'],
    ['refresh_token', 'refresh token'],
    ['access_token', 'access token'],
    ['oauth_token', 'OAuth 1.0a token'],
    ['oauth_token_secret', 'OAuth 1.0a token secret'],
  ] as const) {
    for (const value of [sent.get(name), answered[name]]) {
      if (typeof value === 'string') {
        yield [kind, value];
      }
    }
  }
  const [scheme = '', ...rest] = (headers.authorization ?? '').split(' ');
  const credentials = rest.join(' ');
  if (scheme === 'Basic') {
    yield ['Basic credentials', credentials];
  } else if (scheme === 'Bearer') {
    yield ['access token', credentials];
  } else if (scheme === 'OAuth') {
    for (const [, name = '', value = ''] of credentials.matchAll(/(\w+)="([^"]*)"/g)) {
      if (name === 'oauth_signature') {
        yield ['OAuth 1.0a signature', decodeURIComponent(value)];
      } else if (name === 'oauth_verifier') {
        yield ['OAuth 1.0a verifier', decodeURIComponent(value)];
      }
    }
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Every row as text, every bytea as bytes, and the files that the rows and the write-ahead log lie in. */
async function dumpDatabase(databaseUrl: string): Promise<Buffer[]> {
  await queryDatabase(databaseUrl, 'CHECKPOINT');
  const parts: Buffer[] = [];
  const tables = await queryDatabase<{ name: string }>(
    databaseUrl,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  for (const { name } of tables) {
    const rows = await queryDatabase<{ text: string }>(databaseUrl, `SELECT t::text AS text FROM "${name}" t`);
    parts.push(Buffer.from(rows.map(({ text }) => text).join('\n')));
    for (const row of await queryDatabase<Record<string, unknown>>(databaseUrl, `SELECT * FROM "${name}"`)) {
      parts.push(...Object.values(row).filter((value) => Buffer.isBuffer(value)));
    }
  }
  const [place] = await queryDatabase<{ folder: string; id: number }>(
    databaseUrl,
    `SELECT current_setting('data_directory') AS folder, oid AS id FROM pg_database WHERE datname = current_database()`,
  );
  for (const folder of [join(place?.folder ?? '', 'base', String(place?.id)), join(place?.folder ?? '', 'pg_wal')]) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile()) {
        parts.push(await readFile(join(folder, entry.name)).catch(() => Buffer.alloc(0)));
      }
    }
  }
  return parts;
}
