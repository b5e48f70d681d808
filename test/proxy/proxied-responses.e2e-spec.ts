import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type PreparedResponse,
  startRecordingServer,
  startSocketServer,
} from '../../src/provider-kit/testing/recording-server.js';
import { type DataApiApplication, startWithDataApi } from '../support/data-api-application.js';
import { linkAccount } from '../support/linking.js';
import { type ProxiedResponse, ProxyCaller } from '../support/proxied-call.js';

const user = 'the-user';
const maxBytes = 10 * 1024 * 1024;

describe('the response of a provider', () => {
  let bench: DataApiApplication;
  let caller: ProxyCaller;
  let next: PreparedResponse = {};
  /** Responds instead, with what it was called with. */
  let echo: ((authorization: string) => PreparedResponse) | undefined;

  beforeAll(async () => {
    bench = await startWithDataApi(({ headers }) => echo?.(headers.authorization ?? '') ?? next);
    caller = await ProxyCaller.of(bench.application);
    await linkAccount(bench.application, user, 'whoop');
  });
  afterEach(() => {
    echo = undefined;
  });
  afterAll(() => bench.close());

  function call(
    prepared: PreparedResponse,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<ProxiedResponse> {
    next = prepared;
    return caller.call('whoop', 'a', { headers, method });
  }

  function expectUnusable(response: ProxiedResponse): void {
    expect(response).toMatchObject({ status: 502, json: { code: 'CALL_ANSWER_UNUSABLE', act: 'caller' } });
    expect(response.headers).not.toHaveProperty('cufflink-answer-from');
  }

  it.each([
    'application/json',
    'application/fhir+json',
    'text/html',
    'text/csv; charset=iso-8859-1',
    'application/octet-stream',
  ])('is passed on byte for byte, as %s', async (type) => {
    const body = randomBytes(200_000);
    const url = await responseBytes({ headers: { 'content-type': type }, body });
    expect(url.type).toBe(type);
    expect(url.digest).toBe(createHash('sha256').update(body).digest('hex'));
  });

  async function responseBytes(prepared: PreparedResponse): Promise<{ type: string | undefined; digest: string }> {
    next = prepared;
    const key = await bench.application.createKey('tokens:sign');
    const url = `${await bench.application.app.getUrl()}/v1/users/${user}/connections/whoop/proxy/a`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    const bytes = Buffer.from(await response.arrayBuffer());
    return {
      type: response.headers.get('content-type') ?? undefined,
      digest: createHash('sha256').update(bytes).digest('hex'),
    };
  }

  it("has the provider's headers, and none for browsers or about the service", async () => {
    const passed = {
      etag: '"1"',
      'last-modified': 'Sun, 22 Nov 2026 00:00:00 GMT',
      'retry-after': '5',
      link: '<https://api.provider.example/a?page=2>; rel="next"',
      'content-language': 'de',
      'x-ratelimit-limit': '100, 1000',
      'x-readratelimit-usage': '1,2',
      'fitbit-rate-limit-remaining': '3',
      'ratelimit-reset': '4',
    };
    const response = await call({
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
    expect(response.headers).toMatchObject({
      ...passed,
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cufflink-answer-from': 'whoop',
    });
    expect(response.headers['x-request-id']).not.toBe('theirs');
    for (const name of [
      'set-cookie',
      'access-control-allow-origin',
      'www-authenticate',
      'clear-site-data',
      'refresh',
    ]) {
      expect(response.headers).not.toHaveProperty(name);
    }
  });

  it('is passed on without a body, in part, or as created', async () => {
    expect(await call({ status: 204 })).toMatchObject({ status: 204, body: Buffer.alloc(0) });
    const part = { status: 206, headers: { 'content-range': 'bytes 0-1/9' }, body: 'ab' };
    expect(await call(part, { range: 'bytes=0-1' })).toMatchObject({ status: 206, headers: part.headers });
    expect(bench.dataApi.requests.at(-1)?.headers).toMatchObject({ range: 'bytes=0-1' });
    const created = { status: 201, headers: { location: 'https://api.provider.example/a/1' } };
    expect(await call(created, {}, 'POST')).toMatchObject(created);
  });

  it('may be 304, for a conditional request', async () => {
    const unchanged = { status: 304, headers: { etag: '"1"' } };
    expect(await call(unchanged, { 'if-none-match': '"1"' })).toMatchObject(unchanged);
    expectUnusable(await call(unchanged));
  });

  it('shows no token where the provider quotes the one that it was called with (TE-07)', async () => {
    let spellings: string[] = [];
    const bodyOf = (quoted: readonly string[]): string => `{"text":"${quoted.join(' ')}","data":"ünchanged"}`;
    echo = (authorization) => {
      const token = authorization.replace('Bearer ', '');
      // As some write JSON: with a backslash before each slash, which JSON.stringify never puts there.
      spellings = [token, token.replaceAll('/', '\\/'), encodeURIComponent(token)];
      return {
        status: 403,
        headers: { 'content-type': 'application/json', etag: `"${token}"`, link: `<?t=${encodeURIComponent(token)}>` },
        body: bodyOf(spellings),
      };
    };
    const response = await caller.call('whoop', 'a');
    expect(new Set(spellings).size).toBe(3);
    expect(response.status).toBe(403);
    expect(response.body.toString()).toBe(bodyOf(spellings.map(({ length }) => '*'.repeat(length))));
    expect(response.headers.etag).toMatch(/^"\*{20,}"$/);
    expect(response.headers['link']).toMatch(/^<\?t=\*{20,}>$/);
  });

  it('returns the length to HEAD', async () => {
    const response = await call({ headers: { 'content-length': '123456' } }, {}, 'HEAD');
    expect(response).toMatchObject({ status: 200, headers: { 'content-length': '123456' }, body: Buffer.alloc(0) });
  });

  it.each([301, 302, 303, 307, 308])(
    'is not passed on nor followed when it redirects with %d (NET-03, TE-03)',
    async (status) => {
      const elsewhere = await startRecordingServer(() => ({}));
      try {
        const response = await call({ status, headers: { location: `${elsewhere.url}/a` } });
        expectUnusable(response);
        expect(response.headers).not.toHaveProperty('location');
        expect(elsewhere.requests).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    },
  );

  it('may have 10 MiB, and not a byte more (NET-04)', async () => {
    const most = await call({ body: Buffer.alloc(maxBytes, 'x') });
    expect([most.status, most.body.length]).toEqual([200, maxBytes]);
    const more = await call({ body: Buffer.alloc(maxBytes + 1, 'x') });
    expectUnusable(more);
    expect(more.json['detail']).toContain('more than 10485760 bytes');
  });

  it.each([
    ['POST', 'a redirect', { status: 303, headers: { location: '/a/1' } }],
    ['PUT', 'too much', { body: Buffer.alloc(maxBytes + 1, 'x') }],
    ['PATCH', 'an encoding that is not known', { headers: { 'content-encoding': 'zstd' }, body: 'x' }],
    ['DELETE', 'an encoding that it does not have', { headers: { 'content-encoding': 'gzip' }, body: 'x' }],
  ])('says that a %s may have been done that it tells of with %s', async (method, _, prepared) => {
    const response = await call(prepared, {}, method);
    expectUnusable(response);
    expect(response.json['detail']).toMatch(/ The call may have taken effect: check before you repeat it\.$/);
    const read = await call(prepared, {});
    expectUnusable(read);
    expect(read.json['detail']).not.toContain('done');
  });

  it('may be compressed, but not a bomb (NET-04)', async () => {
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    const plain = await call({ headers, body: gzipSync('{"a":1}') });
    expect(plain).toMatchObject({ status: 200, json: { a: 1 } });
    expect(plain.headers).not.toHaveProperty('content-encoding');
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(maxBytes);
    expectUnusable(await call({ headers, body: bomb }));
    expectUnusable(await call({ headers: { 'content-encoding': 'zstd' }, body: 'x' }));
  });
});

describe('a provider that breaks HTTP', () => {
  it.each([
    ['a status that does not exist', 'HTTP/1.1 999 Wow\r\nContent-Length: 0\r\n\r\n', 502, 'CALL_ANSWER_UNUSABLE'],
    ['half a response', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 503, 'PROVIDER_UNAVAILABLE'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 503, 'PROVIDER_UNAVAILABLE'],
    ['a smuggled header', 'HTTP/1.1 200 OK\r\nETag: a\rX: b\r\nContent-Length: 0\r\n\r\n', 503, 'PROVIDER_UNAVAILABLE'],
  ])('is not passed on: %s', async (_, text, status, code) => {
    const server = await startSocketServer((socket) => {
      socket.once('data', () => socket.end(text));
    });
    const bench = await startWithDataApi(() => ({}), { environment: { WHOOP_API_BASE_URL: server.url } });
    try {
      await linkAccount(bench.application, user, 'whoop');
      const caller = await ProxyCaller.of(bench.application);
      expect(await caller.call('whoop', 'a')).toMatchObject({ status, json: { code } });
      const written = await caller.call('whoop', 'a', { method: 'POST' });
      expect(written).toMatchObject({ status, json: { code } });
      expect(written.json['detail']).toMatch(/ The call may have taken effect: check before you repeat it\.$/);
    } finally {
      await bench.close();
      await server.close();
    }
  });
});
