import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProviderHttpClient } from './http-client.js';
import { startRecordingServer } from '../testing/recording-server.js';
import { makeTestCertificate } from '../testing/test-certificate.js';
import { canary, errorOf } from '../testing/canary.js';
import { client, opened, post, replaceClient, useHttpClient } from '../testing/http-client-bench.js';

useHttpClient();

describe('ProviderHttpClient', () => {
  it('sends method, target, headers and body as given', async () => {
    const server = opened(await startRecordingServer(() => ({ body: 'ok' })));
    const url = `${server.url}/a%2Fb/%7e?x=%c3%bc&y=1+1&z=%27*`;
    await client.send({ method: 'POST', url, headers: { 'x-one': '1' }, body: 'a=ü', timeoutMs: 5000 });
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        target: '/a%2Fb/%7e?x=%c3%bc&y=1+1&z=%27*',
        headers: { 'x-one': '1', 'user-agent': 'cufflink', 'accept-encoding': 'identity', 'content-length': '4' },
        body: 'a=ü',
      },
    ]);
  });

  it('returns status, lower-case headers with repeated ones joined, and the text', async () => {
    const headers = { 'Content-Type': 'application/json', 'WWW-Authenticate': ['Basic', 'Bearer'] };
    const server = opened(await startRecordingServer(() => ({ status: 401, headers, body: '\ufeff{"ü":1}' })));
    const response = await client.send({ method: 'GET', url: server.url, timeoutMs: 5000 });
    expect(response).toMatchObject({ status: 401, body: '{"ü":1}' });
    expect(response.headers).toMatchObject({ 'content-type': 'application/json', 'www-authenticate': 'Basic, Bearer' });
  });

  it.each([204, 400, 404, 429, 500, 503])('treats HTTP %i as a response', async (status) => {
    const server = opened(await startRecordingServer(() => ({ status })));
    await expect(post(server.url)).resolves.toMatchObject({ status, body: '' });
  });

  it('sends a body of bytes as it is', async () => {
    const body = Buffer.from([0, 1, 13, 10]);
    const server = opened(await startRecordingServer(() => ({ body: 'ok' })));
    await client.send({ method: 'PUT', url: server.url, body, timeoutMs: 5000 });
    expect(server.requests[0]).toMatchObject({
      method: 'PUT',
      body: body.toString(),
      headers: { 'content-length': '4' },
    });
  });

  it('sends DELETE without a body', async () => {
    const server = opened(await startRecordingServer(() => ({})));
    await client.send({ method: 'DELETE', url: `${server.url}/x`, timeoutMs: 5000 });
    expect(server.requests).toMatchObject([{ method: 'DELETE', target: '/x', body: '' }]);
  });

  it('does not quote a malformed URL', async () => {
    const error = await errorOf(client.send({ method: 'GET', url: `http://[${canary}`, timeoutMs: 1000 }));
    expect(error).toMatchObject({ message: 'The URL of a provider request is malformed.' });
  });

  it('does not quote a header that HTTP refuses', async () => {
    const server = opened(await startRecordingServer(() => ({})));
    const error = await errorOf(post(server.url, { headers: { authorization: `Bearer ${canary}\r\nX-Evil: 1` } }));
    expect(error).toMatchObject({ message: expect.stringMatching(/^The request to 127\.0\.0\.1:\d+ cannot be sent/) });
    expect(server.requests).toHaveLength(0);
  });

  it('runs at most 64 requests to one origin at once and serves the rest in turn', async () => {
    let running = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const server = opened(
      await startRecordingServer(async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 64) {
          full.resolve();
        }
        await full.promise;
        running -= 1;
        return {};
      }),
    );
    const responses = await Promise.all(Array.from({ length: 300 }, () => post(server.url)));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(server.requests).toHaveLength(300);
    expect(most).toBe(64);
  });

  it('finishes the requests under way at shutdown and refuses later ones as not sent', async () => {
    let release: () => void = () => undefined;
    const arrived = Promise.withResolvers<void>();
    const server = opened(
      await startRecordingServer(async () => {
        arrived.resolve();
        await new Promise<void>((resolve) => (release = resolve));
        return { body: 'late' };
      }),
    );
    const underWay = post(server.url);
    await arrived.promise;
    const closing = client.onApplicationShutdown();
    const later = await errorOf(post(server.url));
    release();
    await expect(underWay).resolves.toMatchObject({ body: 'late' });
    await closing;
    expect(later).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
    expect(server.requests).toHaveLength(1);
    replaceClient();
  });

  it('when abandoned, cancels an unsent request at once, and lets a sent one end', async () => {
    const held = Promise.withResolvers<{ body: string }>();
    const full = Promise.withResolvers<void>();
    let arrived = 0;
    const server = opened(
      await startRecordingServer(() => {
        arrived += 1;
        if (arrived === 64) {
          full.resolve();
        }
        return held.promise;
      }),
    );
    const caller = new AbortController();
    const written = Array.from({ length: 64 }, () => post(server.url, { abandoned: caller.signal }));
    const waiting = errorOf(post(server.url, { abandoned: caller.signal }));
    await full.promise;
    caller.abort();
    expect(await waiting).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
    expect(await errorOf(post(server.url, { abandoned: caller.signal }))).toMatchObject({ fate: 'not-sent' });
    held.resolve({ body: 'ok' });
    expect((await Promise.all(written)).map(({ body }) => body)).toEqual(Array.from({ length: 64 }, () => 'ok'));
    await post(server.url);
    expect(server.requests).toHaveLength(65);
  });

  it('sends nothing when the step before fails', async () => {
    const server = opened(await startRecordingServer(() => ({ body: 'ok' })));
    const beforeSending = (): void => {
      throw new Error('No room.');
    };
    expect(await errorOf(post(server.url, { beforeSending }))).toMatchObject({ message: 'No room.' });
    await post(server.url, { beforeSending: () => undefined });
    expect(server.requests).toHaveLength(1);
  });

  it('takes no proxy from the environment (NET-03)', async () => {
    const proxy = opened(await startRecordingServer(() => ({ body: 'proxied' })));
    const server = opened(await startRecordingServer(() => ({ body: 'direct' })));
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
    const before = names.map((name) => [name, process.env[name]] as const);
    names.forEach((name) => (process.env[name] = proxy.url));
    const proxied = new ProviderHttpClient();
    try {
      const { body } = await proxied.send({ method: 'GET', url: server.url, timeoutMs: 5000 });
      expect(body).toBe('direct');
      expect(proxy.requests).toHaveLength(0);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) {
          delete process.env[name];
        } else {
          process.env[name] = value;
        }
      }
      await proxied.onApplicationShutdown();
    }
  });
});

describe('redirects (TE-03)', () => {
  it.each([301, 302, 303, 307, 308])('are errors: HTTP %i delivers nothing to the other server', async (status) => {
    const other = opened(await startRecordingServer(() => ({})));
    const server = opened(
      await startRecordingServer(() => ({ status, headers: { location: `${other.url}/?${canary}` }, body: canary })),
    );
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const error = await errorOf(post(server.url, { method }));
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
    }
    expect(server.requests).toHaveLength(3);
    expect(other.requests).toHaveLength(0);
  });

  it.each([300, 304, 399])('are errors at any status: HTTP %i', async (status) => {
    const server = opened(await startRecordingServer(() => ({ status })));
    expect(await errorOf(post(server.url))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
  });

  it.each(['if-none-match', 'If-Modified-Since'])('accepts 304 as a response to a request with %s', async (name) => {
    const server = opened(await startRecordingServer(() => ({ status: 304, headers: { etag: '"1"' } })));
    const request = { method: 'GET', url: server.url, timeoutMs: 5_000 } as const;
    await expect(client.send({ ...request, headers: { [name]: '"1"' } })).resolves.toMatchObject({
      status: 304,
      body: '',
    });
    await expect(client.send(request)).rejects.toMatchObject({ fate: 'answered', detail: 'HTTP 304, answered' });
  });
});

describe('TLS (TE-05)', () => {
  const trusted = makeTestCertificate({ ip: '127.0.0.1' });
  const wrongHost = makeTestCertificate({ dns: 'other.example' });
  const expired = makeTestCertificate({ ip: '127.0.0.1' }, { from: '200101000000Z', to: '210101000000Z' });
  const authorities = tls.getCACertificates('default');

  beforeAll(() => {
    tls.setDefaultCACertificates([...authorities, trusted.cert, wrongHost.cert, expired.cert]);
  });

  afterAll(() => {
    tls.setDefaultCACertificates(authorities);
  });

  it('accepts a certificate that is trusted, current and of this host', async () => {
    const server = opened(await startRecordingServer(() => ({ body: 'ok' }), trusted));
    await expect(post(server.url)).resolves.toMatchObject({ status: 200, body: 'ok' });
  });

  it.each([
    ['a self-signed certificate', makeTestCertificate({ ip: '127.0.0.1' }), 'DEPTH_ZERO_SELF_SIGNED_CERT, not-sent'],
    ['a certificate of another host', wrongHost, 'ERR_TLS_CERT_ALTNAME_INVALID, not-sent'],
    ['an expired certificate', expired, 'CERT_HAS_EXPIRED, not-sent'],
  ])('fails before anything is sent: %s', async (_, certificate, detail) => {
    const server = opened(await startRecordingServer(() => ({}), certificate));
    const error = await errorOf(post(server.url));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail });
    expect(server.requests).toHaveLength(0);
  });

  it('refuses TLS 1.1', async () => {
    const old = { ...trusted, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const server = opened(await startRecordingServer(() => ({}), old));
    expect(await errorOf(post(server.url))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
    expect(server.requests).toHaveLength(0);
  });

  it('fails when the peer does not speak TLS', async () => {
    const server = opened(await startRecordingServer(() => ({})));
    const error = await errorOf(post(server.url.replace('http:', 'https:')));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
  });
});
