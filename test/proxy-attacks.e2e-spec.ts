import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataApiClient } from '../src/provider-kit/data-api-client.js';
import { HostResolver } from '../src/provider-kit/host-resolver.js';
import { ProviderHttpClient } from '../src/provider-kit/http-client.js';
import { sandboxClientId, sandboxClientSecret } from '../src/provider-kit/provider-settings.js';
import {
  type PreparedAnswer,
  type RecordingServer,
  startRecordingServer,
  startSocketServer,
} from '../src/provider-kit/testing/recording-server.js';
import { startApplication, type TestApplication } from './support/application.js';
import { basePath, type DataApiApplication, startWithDataApi } from './support/data-api.js';
import { linkAccount } from './support/linking.js';
import { type ProxiedAnswer, ProxyCaller } from './support/proxied-call.js';
import { Subject } from './support/subject.js';
import { until } from './support/until.js';

const user = 'the-user';
const maxBytes = 10 * 1024 * 1024;

describe('what a caller tries', () => {
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
    ...[
      '/evil.example/a',
      '//evil.example/a',
      '\\\\evil.example',
      '/\\evil.example',
      '@evil.example',
      ':80@evil.example/',
    ],
    ...['a%00', 'a%0d%0aAuthorization:%20x', 'a%0aHost:%20evil.example', 'a#b', 'http://evil.example/a'],
  ])('TE-12 NET-01 cannot leave the API: %s', async (target) => {
    const before = dataApi.requests.length;
    const answer = await caller.call('whoop', target);
    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID', act: 'caller' } });
    expect(answer.headers).not.toHaveProperty('cufflink-answer-from');
    expect(dataApi.requests).toHaveLength(before);
  });

  it.each([
    `http://evil.example/v1/users/${user}/connections/whoop/proxy/a`,
    `http://evil.example/x/v1/users/${user}/connections/whoop/proxy/a`,
    `//v1/users/${user}/connections/whoop/proxy/a`,
    `/v1/users/${user}/connections/whoop/proxy`,
    `/v1/users/${user}/connections/whoop%2Fproxy/a`,
  ])('TE-12 cannot be sent by another spelling of the route: %s', async (path) => {
    const before = dataApi.requests.length;
    const answer = await caller.send(path);
    expect([400, 404]).toContain(answer.status);
    expect(dataApi.requests).toHaveLength(before);
  });

  it.each([
    `/v1/users/the%2Duser/connections/whoop/proxy/a/b?c=/proxy/d`,
    `/%76%31/users/${user}/connections/%77hoop/%70roxy/a/b?c=/proxy/d`,
  ])('is the same by any spelling that the router takes: %s', async (path) => {
    const answer = await caller.send(path);
    expect(answer.status).toBe(200);
    expect(dataApi.requests.at(-1)?.target).toBe(`${basePath}/a/b?c=/proxy/d`);
  });

  it.each(['access_token=x', 'a=1&ACCESS%5Ftoken=x', 'oauth_token=x', 'client_secret=x', 'refresh_token=x'])(
    'TE-02 sends no credentials in the URL, nor in a form: %s',
    async (parameters) => {
      const before = dataApi.requests.length;
      const form = {
        method: 'POST',
        body: parameters,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      };
      for (const answer of [await caller.call('whoop', `a?${parameters}`), await caller.call('whoop', 'a', form)]) {
        expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
        expect(answer.json['detail']).toMatch(/must not carry/);
      }
      expect(dataApi.requests).toHaveLength(before);
    },
  );

  it('TE-02 keeps the token out of every URL, and sends the one of the user whatever else came', async () => {
    const from = dataApi.requests.length;
    await caller.call('whoop', 'a?authorization=x', { headers: { 'x-authorization': 'Bearer other', cookie: 'a=b' } });
    const [sent] = dataApi.requests.slice(from);
    const token = /^Bearer (\S+)$/.exec(sent?.headers.authorization ?? '')?.[1] ?? '';
    expect(bench.application.sandbox.maker('whoop').isLiveAccessToken(token)).toBe(true);
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

  it('TE-08 opens nothing to a key for another provider, another scope, or a token of a user', async () => {
    const { application } = bench;
    const before = dataApi.requests.length;
    const key = await application.createKey('tokens:read', 'connections:write', 'links:write', 'admin');
    const path = `/v1/users/${user}/connections/whoop/proxy/a`;
    const answer = await application.browser.get(path).set('authorization', `Bearer ${key}`);
    expect(answer.body).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
    expect((await application.browser.get(path)).body).toMatchObject({ status: 401, code: 'API_KEY_INVALID' });
    expect(dataApi.requests).toHaveLength(before);
  });
});

describe('what a maker answers', () => {
  let bench: DataApiApplication;
  let caller: ProxyCaller;
  let next: PreparedAnswer = {};
  /** Answers instead, with what it was called with. */
  let echo: ((authorization: string) => PreparedAnswer) | undefined;

  beforeAll(async () => {
    bench = await startWithDataApi(({ headers }) => echo?.(headers.authorization ?? '') ?? next);
    caller = await ProxyCaller.of(bench.application);
    await linkAccount(bench.application, user, 'whoop');
  });
  afterEach(() => {
    echo = undefined;
  });
  afterAll(() => bench.close());

  function answered(
    prepared: PreparedAnswer,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<ProxiedAnswer> {
    next = prepared;
    return caller.call('whoop', 'a', { headers, method });
  }

  function expectUnusable(answer: ProxiedAnswer): void {
    expect(answer).toMatchObject({ status: 502, json: { code: 'CALL_ANSWER_UNUSABLE', act: 'caller' } });
    expect(answer.headers).not.toHaveProperty('cufflink-answer-from');
  }

  it.each([
    'application/json',
    'application/fhir+json',
    'text/html',
    'text/csv; charset=iso-8859-1',
    'application/octet-stream',
  ])('is passed on byte for byte, as %s', async (type) => {
    const body = randomBytes(200_000);
    const url = await answeredBytes({ headers: { 'content-type': type }, body });
    expect(url.type).toBe(type);
    expect(url.digest).toBe(createHash('sha256').update(body).digest('hex'));
  });

  async function answeredBytes(prepared: PreparedAnswer): Promise<{ type: string | undefined; digest: string }> {
    next = prepared;
    const key = await bench.application.createKey('tokens:sign');
    const url = `${await bench.application.app.getUrl()}/v1/users/${user}/connections/whoop/proxy/a`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return {
      type: answer.headers.get('content-type') ?? undefined,
      digest: createHash('sha256').update(bytes).digest('hex'),
    };
  }

  it('has its own headers for whoever reads it, and none for browsers or about us', async () => {
    const passed = {
      etag: '"1"',
      'last-modified': 'Sun, 22 Nov 2026 00:00:00 GMT',
      'retry-after': '5',
      link: '<https://api.maker.example/a?page=2>; rel="next"',
      'content-language': 'de',
      'x-ratelimit-limit': '100, 1000',
      'x-readratelimit-usage': '1,2',
      'fitbit-rate-limit-remaining': '3',
      'ratelimit-reset': '4',
    };
    const answer = await answered({
      headers: {
        ...passed,
        'content-type': 'text/html',
        'content-security-policy': 'default-src *',
        'set-cookie': ['session=1', '__Host-x=1'],
        'cache-control': 'public, max-age=600',
        'access-control-allow-origin': '*',
        'www-authenticate': 'Basic realm="x"',
        'cufflink-answer-from': 'another',
        'x-request-id': 'theirs',
        'clear-site-data': '"*"',
        refresh: '0; url=https://evil.example',
      },
      body: '<script>alert(1)</script>',
    });
    expect(answer.headers).toMatchObject({
      ...passed,
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cufflink-answer-from': 'whoop',
    });
    expect(answer.headers['x-request-id']).not.toBe('theirs');
    for (const name of [
      'set-cookie',
      'access-control-allow-origin',
      'www-authenticate',
      'clear-site-data',
      'refresh',
    ]) {
      expect(answer.headers).not.toHaveProperty(name);
    }
  });

  it('is passed on without a body, in part, or as created', async () => {
    expect(await answered({ status: 204 })).toMatchObject({ status: 204, body: Buffer.alloc(0) });
    const part = { status: 206, headers: { 'content-range': 'bytes 0-1/9' }, body: 'ab' };
    expect(await answered(part, { range: 'bytes=0-1' })).toMatchObject({ status: 206, headers: part.headers });
    expect(bench.dataApi.requests.at(-1)?.headers).toMatchObject({ range: 'bytes=0-1' });
    const created = { status: 201, headers: { location: 'https://api.maker.example/a/1' } };
    expect(await answered(created, {}, 'POST')).toMatchObject(created);
  });

  it('may be that nothing has changed, to a caller who asked for that', async () => {
    const unchanged = { status: 304, headers: { etag: '"1"' } };
    expect(await answered(unchanged, { 'if-none-match': '"1"' })).toMatchObject(unchanged);
    expectUnusable(await answered(unchanged));
  });

  it('TE-07 shows no token where the maker quotes the one that it was called with', async () => {
    const quoted: string[] = [];
    echo = (authorization) => {
      const token = authorization.replace('Bearer ', '');
      quoted.push(token, token.replaceAll('/', '\\/'), encodeURIComponent(token));
      return {
        status: 403,
        headers: { 'content-type': 'application/json', etag: `"${token}"`, link: `<?t=${encodeURIComponent(token)}>` },
        body: JSON.stringify({ text: quoted.join(' '), data: 'ünchanged' }),
      };
    };
    const answer = await caller.call('whoop', 'a');
    expect(answer).toMatchObject({ status: 403, json: { data: 'ünchanged' } });
    expect(answer.headers.etag).toMatch(/^"\*{20,}"$/);
    expect(answer.json['text']).toMatch(/^\*{20,} /);
    expect(quoted).toHaveLength(3);
    for (const spelling of quoted) {
      expect(`${JSON.stringify(answer.headers)} ${answer.body.toString()}`).not.toContain(spelling);
    }
  });

  it('tells the length to HEAD', async () => {
    const answer = await answered({ headers: { 'content-length': '123456' } }, {}, 'HEAD');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '123456' }, body: Buffer.alloc(0) });
  });

  it.each([301, 302, 303, 307, 308])(
    'NET-03 TE-03 is not passed on nor followed when it redirects with %d',
    async (status) => {
      const elsewhere = await startRecordingServer(() => ({}));
      try {
        const answer = await answered({ status, headers: { location: `${elsewhere.url}/a` } });
        expectUnusable(answer);
        expect(answer.headers).not.toHaveProperty('location');
        expect(elsewhere.requests).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    },
  );

  it('NET-04 may have 10 MiB, and not a byte more', async () => {
    const most = await answered({ body: Buffer.alloc(maxBytes, 'x') });
    expect([most.status, most.body.length]).toEqual([200, maxBytes]);
    const more = await answered({ body: Buffer.alloc(maxBytes + 1, 'x') });
    expectUnusable(more);
    expect(more.json['detail']).toContain('more than 10485760 bytes');
  });

  it('NET-04 may be compressed, but not a bomb', async () => {
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    const plain = await answered({ headers, body: gzipSync('{"a":1}') });
    expect(plain).toMatchObject({ status: 200, json: { a: 1 } });
    expect(plain.headers).not.toHaveProperty('content-encoding');
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(maxBytes);
    expectUnusable(await answered({ headers, body: bomb }));
    expectUnusable(await answered({ headers: { 'content-encoding': 'zstd' }, body: 'x' }));
  });
});

describe('a maker that breaks HTTP', () => {
  it.each([
    ['a status that does not exist', 'HTTP/1.1 999 Wow\r\nContent-Length: 0\r\n\r\n', 502, 'CALL_ANSWER_UNUSABLE'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 503, 'PROVIDER_UNAVAILABLE'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 503, 'PROVIDER_UNAVAILABLE'],
    ['a smuggled header', 'HTTP/1.1 200 OK\r\nETag: a\rX: b\r\nContent-Length: 0\r\n\r\n', 503, 'PROVIDER_UNAVAILABLE'],
  ])('is not passed on: %s', async (_, text, status, code) => {
    const server = await startSocketServer((socket) => {
      socket.once('data', () => socket.end(text));
    });
    const bench = await startWithDataApi(() => ({}), { environment: { WHOOP_API_BASE_URL: server.url } });
    try {
      await linkAccount(bench.application, user, 'whoop');
      const answer = await (await ProxyCaller.of(bench.application)).call('whoop', 'a');
      expect(answer).toMatchObject({ status, json: { code } });
    } finally {
      await bench.close();
      await server.close();
    }
  });
});

describe('TE-12 the host of an API', () => {
  /** Every name leads to the metadata service of a cloud. */
  class HijackedResolver extends HostResolver {
    override resolve(): Promise<{ address: string; family: number }[]> {
      return Promise.resolve([{ address: '169.254.169.254', family: 4 }]);
    }
  }

  it.each(['https://10.0.0.1/v2', 'https://169.254.169.254/v2', 'https://api.maker.example/v2'])(
    'NET-02 is not called where it must not be: %s',
    async (url) => {
      const bench = await startWithDataApi(() => ({}), {
        environment: { WHOOP_API_BASE_URL: url },
        override: (builder) => builder.overrideProvider(HostResolver).useValue(new HijackedResolver()),
      });
      try {
        await linkAccount(bench.application, user, 'whoop');
        const answer = await (await ProxyCaller.of(bench.application)).call('whoop', 'a');
        expect(answer).toMatchObject({ status: 500, json: { code: 'PROVIDER_MISCONFIGURED', act: 'operator' } });
      } finally {
        await bench.close();
      }
    },
  );
});

describe('TE-12 a connection with another server than the provider has now', () => {
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

describe('NET-04 many slow calls of an API', () => {
  let application: TestApplication | undefined;
  afterEach(async () => {
    await application?.close();
    application = undefined;
  });

  /**
   * Has a hundred calls wait for an API that is at the host of the token endpoint; tells whether a refresh gets past them.
   *
   * @param atOnce - how many of them are let to the maker at a time
   * @param ms - how long each takes, unless the refresh is through before
   */
  async function refreshBesides(
    running: TestApplication,
    atOnce: number,
    ms: number,
  ): Promise<'at once' | 'after them'> {
    const subject = await Subject.link(running, 'whoop');
    const caller = await ProxyCaller.of(running);
    subject.maker.misbehave({ endpoint: 'api', type: 'slow', ms }, Infinity);
    let answered = 0;
    const calls = Array.from({ length: 100 }, async () => {
      await caller.call('whoop', 'cycle', { user: subject.userId });
      answered += 1;
    });
    await until('the calls wait', () => apiCallsUnderWay(subject) >= atOnce);
    await subject.refresh().expect(200);
    const answeredBefore = answered;
    subject.maker.behave();
    await Promise.all(calls);
    return answeredBefore === 0 ? 'at once' : 'after them';
  }

  function apiCallsUnderWay({ maker }: Subject): number {
    return maker.history.filter(({ kind, endsAt }) => kind === 'api' && endsAt === undefined).length;
  }

  it('keep no refresh waiting', async () => {
    application = await startApplication();
    expect(await refreshBesides(application, 16, 25_000)).toBe('at once');
  });

  it('would, over the connections that refreshes use', async () => {
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
