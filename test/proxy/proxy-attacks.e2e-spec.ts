import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DataApiClient } from '../../src/provider-kit/data-api/data-api-client.js';
import { HostResolver } from '../../src/provider-kit/http/host-resolver.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { type RecordingServer, startRecordingServer } from '../../src/provider-kit/testing/recording-server.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { basePath, type DataApiApplication, startWithDataApi } from '../support/data-api-application.js';
import { linkAccount } from '../support/linking.js';
import { type ProxiedResponse, ProxyCaller } from '../support/proxied-call.js';
import { Subject } from '../support/subject.js';
import { until } from '../support/until.js';

const user = 'the-user';

describe('attempts of a caller', () => {
  let bench: DataApiApplication;
  let caller: ProxyCaller;
  let dataApi: RecordingServer;

  beforeAll(async () => {
    bench = await startWithDataApi(() => ({ body: '{}' }));
    ({ dataApi } = bench);
    caller = await ProxyCaller.of(bench.application);
    await linkAccount(bench.application, user, 'whoop');
  });
  afterAll(() => bench.close());

  it.each([
    ...['../v1/user', '..', 'a/../../b', '%2e%2e/b', '%2E./b', '.%2e%2fb', '..;/b', '..%5cb', '..\\b', '%252e%252e/b'],
    ...['%252%65%252%65%252%66b', '%25%32%65%25%32%65%25%32%66b', '..%3b/b', 'a/..%3f', 'a/..%23'],
    ...[
      '/evil.example/a',
      '//evil.example/a',
      '\\\\evil.example',
      '/\\evil.example',
      '@evil.example',
      ':80@evil.example/',
    ],
    ...['%EF%BC%8E%EF%BC%8E/x', '%E2%80%A5/x', 'a%EF%BC%8Fb', '%E2%80%A4%E2%80%A4/x', 'a%EF%BC%BCb', '%E2%84%80'],
    ...['%25EF%25BC%258E%25EF%25BC%258E/x', '%2525E2%252580%2525A5/x', 'a%EF%BC%9Bb', 'a%EF%BC%A0b', 'a%EF%BC%85b'],
    ...[
      '..%2f..%2fb',
      'a%2f..%2f..%2fb',
      'a%2f%2e%2e%2fb',
      '%2fevil.example',
      '%2f%2fevil.example',
      'a%2f%2fb',
      'a%252fb',
    ],
    ...['a%00', 'a%0d%0aAuthorization:%20x', 'a%0aHost:%20evil.example', 'a#b', 'http://evil.example/a'],
  ])('cannot leave the API: %s (TE-12, NET-01)', async (target) => {
    const before = dataApi.requests.length;
    const response = await caller.call('whoop', target);
    expect(response).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID', act: 'caller' } });
    expect(response.headers).not.toHaveProperty('cufflink-answer-from');
    expect(dataApi.requests).toHaveLength(before);
  });

  it.each(['items/a%2fb', 'a%2Fb/c'])(
    'cannot make a separator of a slash that is escaped within one piece of a path: %s (TE-12)',
    async (target) => {
      const before = dataApi.requests.length;
      expect(await caller.call('whoop', target)).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
      expect(dataApi.requests).toHaveLength(before);
    },
  );

  it.each([
    ['activity%2Fsleep?limit=1', 'activity/sleep?limit=1'],
    ['a%2fb%20c%2Fd?e=%2F', 'a/b%20c/d?e=%2F'],
  ])('may escape every slash of the path, as generated clients do: %s', async (target, sent) => {
    expect((await caller.call('whoop', target)).status).toBe(200);
    expect(dataApi.requests.at(-1)?.target).toBe(`${basePath}/${sent}`);
  });

  it('cannot leave the API with any request line (TE-12)', async () => {
    const before = dataApi.requests.length;
    const pieces = [
      '..',
      '.',
      '/',
      '\\',
      '%2e',
      '%2F',
      '%5c',
      '%25',
      '@',
      '#',
      '?',
      ':',
      ';',
      'a',
      'evil.example',
      '%c0%ae',
      '%0a',
      '%3b',
      '%32',
      '%65',
      '%3f',
      '%23',
    ];
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 7 }), async (parts) => {
        const { status } = await caller.call('whoop', parts.join(''));
        taken += status === 200 ? 1 : 0;
        expect([200, 400]).toContain(status);
      }),
      { seed: 20261123, numRuns: 400 },
    );
    const targets = dataApi.requests.slice(before).map(({ target }) => target.split('?', 1)[0] ?? '');
    expect(targets).toHaveLength(taken);
    expect(taken).toBeGreaterThan(40);
    expect(
      targets.filter((target) => !target.startsWith(`${basePath}/`) || /\/\.{1,2}(;|\/|$)|\/\//.test(target)),
    ).toEqual([]);
  });

  it.each([
    `http://evil.example/v1/users/${user}/connections/whoop/proxy/a`,
    `http://evil.example/x/v1/users/${user}/connections/whoop/proxy/a`,
    `//v1/users/${user}/connections/whoop/proxy/a`,
    `/v1/users/${user}/connections/whoop/proxy`,
    `/v1/users/${user}/connections/whoop%2Fproxy/a`,
  ])('cannot be sent by another spelling of the route: %s (TE-12)', async (path) => {
    const before = dataApi.requests.length;
    const response = await caller.send(path);
    expect([400, 404]).toContain(response.status);
    expect(dataApi.requests).toHaveLength(before);
  });

  it.each([
    `/v1/users/the%2Duser/connections/whoop/proxy/a/b?c=/proxy/d`,
    `/%76%31/users/${user}/connections/%77hoop/%70roxy/a/b?c=/proxy/d`,
  ])('is the same by any spelling that the router takes: %s', async (path) => {
    const response = await caller.send(path);
    expect(response.status).toBe(200);
    expect(dataApi.requests.at(-1)?.target).toBe(`${basePath}/a/b?c=/proxy/d`);
  });

  it.each([
    ...['access_token=x', 'a=1&ACCESS%5Ftoken=x', 'oauth_token=x', 'client_secret=x', 'refresh_token=x'],
    ...['access_token[]=x', 'access_token%5B0%5D=x', 'access_token[a][b]=x', 'a=1;access_token=2', 'a;access_token'],
    ...[
      '+access_token=x',
      'access_token%20=x',
      '%09access_token=x',
      'access_token%00=x',
      'access.token=x',
      'access[token=x',
    ],
    ...['access+token=x', '%EF%BD%81ccess_token=x', 'access%EF%BC%BFtoken=x'],
  ])('sends no credentials in the URL, nor in a form: %s (TE-02)', async (parameters) => {
    const before = dataApi.requests.length;
    const form = {
      method: 'POST',
      body: parameters,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    for (const response of [await caller.call('whoop', `a?${parameters}`), await caller.call('whoop', 'a', form)]) {
      expect(response).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
      expect(response.json['detail']).toMatch(/must not carry/);
    }
    expect(dataApi.requests).toHaveLength(before);
  });

  it('sends no credentials in a form that is compressed (TE-02)', async () => {
    const before = dataApi.requests.length;
    const response = await caller.call('whoop', 'a', {
      method: 'POST',
      body: gzipSync('access_token=x'),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip' },
    });
    expect(response).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(dataApi.requests).toHaveLength(before);
  });

  it('keeps the token out of every URL, and sends only that of the user (TE-02)', async () => {
    const from = dataApi.requests.length;
    await caller.call('whoop', 'a?authorization=x', { headers: { 'x-authorization': 'Bearer other', cookie: 'a=b' } });
    const [sent] = dataApi.requests.slice(from);
    const token = /^Bearer (\S+)$/.exec(sent?.headers.authorization ?? '')?.[1] ?? '';
    expect(bench.application.sandbox.provider('whoop').isLiveAccessToken(token)).toBe(true);
    expect(sent?.target).toBe(`${basePath}/a?authorization=x`);
    expect(sent?.headers).not.toHaveProperty('cookie');
    expect(sent?.headers).not.toHaveProperty('x-authorization');
  });

  it.each([
    ['a header with a line break', 'Prefer: a\r\nX: 1\nAuthorization: Bearer other\r\n'],
    ['a folded header', 'Prefer: a\r\n Authorization: Bearer other\r\n'],
    ['a header with a carriage return', 'Prefer: a\rAuthorization: Bearer other\r\n'],
    ['two lengths', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'],
  ])('smuggles nothing with %s', async (_, lines) => {
    const before = dataApi.requests.length;
    const url = new URL(await bench.application.app.getUrl());
    const key = await bench.application.createKey('tokens:sign');
    const socket = connect(Number(url.port), url.hostname);
    const path = `/v1/users/${user}/connections/whoop/proxy/a`;
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\n`;
    socket.end(`${head}${lines}\r\n`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect(dataApi.requests).toHaveLength(before);
  });

  it('opens nothing to a key for another provider, another scope, or a token of a user (TE-08)', async () => {
    const { application } = bench;
    const before = dataApi.requests.length;
    const key = await application.createKey('tokens:read', 'connections:write', 'links:write', 'admin');
    const path = `/v1/users/${user}/connections/whoop/proxy/a`;
    const response = await application.browser.get(path).set('authorization', `Bearer ${key}`);
    expect(response.body).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
    expect((await application.browser.get(path)).body).toMatchObject({ status: 401, code: 'API_KEY_INVALID' });
    expect(dataApi.requests).toHaveLength(before);
  });
});

describe('the host of an API (TE-12)', () => {
  /** Every name leads to the metadata service of a cloud. */
  class HijackedResolver extends HostResolver {
    override resolve(): Promise<{ address: string; family: number }[]> {
      return Promise.resolve([{ address: '169.254.169.254', family: 4 }]);
    }
  }

  it.each(['https://10.0.0.1/v2', 'https://169.254.169.254/v2', 'https://api.provider.example/v2'])(
    'is not called where it must not be: %s (NET-02)',
    async (url) => {
      const bench = await startWithDataApi(() => ({}), {
        environment: { WHOOP_API_BASE_URL: url },
        override: (builder) => builder.overrideProvider(HostResolver).useValue(new HijackedResolver()),
      });
      try {
        await linkAccount(bench.application, user, 'whoop');
        const response = await (await ProxyCaller.of(bench.application)).call('whoop', 'a');
        expect(response).toMatchObject({ status: 500, json: { code: 'PROVIDER_MISCONFIGURED', act: 'operator' } });
      } finally {
        await bench.close();
      }
    },
  );
});

describe('a connection with another server than the provider has now (TE-12)', () => {
  it('is not called with: the other server gets no token', async () => {
    const application = await startApplication();
    const another = await startRecordingServer(() => ({ body: '{}' }));
    const moved = await startApplication({
      databaseUrl: application.databaseUrl,
      rootKey: application.rootKey,
      sandbox: application.sandbox,
      environment: {
        SMART_ON_FHIR_CLIENT_ID: sandboxClientId('smart-on-fhir'),
        SMART_ON_FHIR_CLIENT_SECRET: sandboxClientSecret('smart-on-fhir'),
        SMART_ON_FHIR_API_BASE_URL: another.url,
      },
    });
    try {
      await linkAccount(application, user, 'smart-on-fhir');
      const before = await (await ProxyCaller.of(application)).call('smart-on-fhir', 'Patient');
      expect(before).toMatchObject({ status: 200, headers: { 'cufflink-answer-from': 'smart-on-fhir' } });
      const after = await (await ProxyCaller.of(moved)).call('smart-on-fhir', 'Patient');
      expect(after).toMatchObject({ status: 500, json: { code: 'PROVIDER_MISCONFIGURED', act: 'operator' } });
      expect(another.requests).toEqual([]);
    } finally {
      await moved.close();
      await another.close();
      await application.close();
    }
  });
});

describe('many slow calls of an API (NET-04)', () => {
  let application: TestApplication | undefined;
  afterEach(async () => {
    await application?.close();
    application = undefined;
  });

  /**
   * Has a hundred calls wait for an API that is at the host of the token endpoint; tells whether a refresh gets past
   * them.
   *
   * @param atOnce - how many of them are let to the provider at a time
   * @param ms - how long each takes, unless the refresh is through before
   */
  async function refreshBesides(
    running: TestApplication,
    atOnce: number,
    ms: number,
  ): Promise<'at once' | 'after them'> {
    const subject = await Subject.link(running, 'whoop');
    const caller = await ProxyCaller.of(running);
    subject.fake.misbehave({ endpoint: 'api', type: 'slow', ms }, Infinity);
    let answered = 0;
    const calls = Array.from({ length: 100 }, async () => {
      await caller.call('whoop', 'cycle', { user: subject.userId });
      answered += 1;
    });
    await until('the calls wait', () => apiCallsUnderWay(subject) >= atOnce);
    await subject.refresh().expect(200);
    const answeredBefore = answered;
    subject.fake.behave();
    await Promise.all(calls);
    return answeredBefore === 0 ? 'at once' : 'after them';
  }

  function apiCallsUnderWay({ fake }: Subject): number {
    return fake.history.filter(({ kind, endsAt }) => kind === 'api' && endsAt === undefined).length;
  }

  it('keep no refresh waiting', async () => {
    application = await startApplication();
    expect(await refreshBesides(application, 16, 25_000)).toBe('at once');
  });

  it('wait, 200 of them; further ones are refused with a time to retry', async () => {
    application = await startApplication();
    const subject = await Subject.link(application, 'whoop');
    const caller = await ProxyCaller.of(application);
    subject.fake.misbehave({ endpoint: 'api', type: 'slow', ms: 25_000 }, Infinity);
    const refused: ProxiedResponse[] = [];
    const calls = Array.from({ length: 240 }, async () => {
      const response = await caller.call('whoop', 'cycle', { user: subject.userId });
      if (response.status === 503) {
        refused.push(response);
      }
      return response.status;
    });
    await until('all have come that are too many', () => refused.length === 24);
    subject.fake.behave();
    const statuses = await Promise.all(calls);
    expect(statuses.filter((status) => status === 200)).toHaveLength(216);
    expect(refused[0]).toMatchObject({
      headers: { 'retry-after': '1' },
      json: { code: 'PROVIDER_UNAVAILABLE', retry_after_seconds: 1 },
    });
  });

  it('get their responses before the process ends', async () => {
    application = await startApplication();
    const subject = await Subject.link(application, 'whoop');
    const caller = await ProxyCaller.of(application);
    subject.fake.misbehave({ endpoint: 'api', type: 'slow', ms: 25_000 });
    const call = caller.call('whoop', 'cycle', { user: subject.userId });
    await until('the call waits', () => apiCallsUnderWay(subject) === 1);
    const ended = application.app.close();
    subject.fake.behave();
    expect((await call).status).toBe(200);
    await ended;
  });

  it('would keep refreshes waiting, over the connections that refreshes use', async () => {
    application = await startApplication({
      override: (builder) =>
        builder.overrideProvider(DataApiClient).useFactory({
          factory: (client: ProviderHttpClient) => client,
          inject: [ProviderHttpClient],
        }),
    });
    expect(await refreshBesides(application, 64, 2_000)).toBe('after them');
  });
});
