import type { Socket } from 'node:net';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ProviderHttpClient } from './http-client.js';
import type { ProviderRequest, ProviderResponse } from './http-message.js';
import { startRecordingServer, startSocketServer } from '../testing/recording-server.js';
import { makeTestCertificate } from '../testing/test-certificate.js';

const limit = 1024 * 1024;
const canary = 'canary5ecret';

let client: ProviderHttpClient;
let openServers: { close(): Promise<void> }[];

beforeEach(() => {
  client = new ProviderHttpClient();
  openServers = [];
});

afterEach(async () => {
  await Promise.all(openServers.map((server) => server.close()));
  await client.onApplicationShutdown();
});

/** Registers a server to be closed after the test. */
function opened<Server extends { close(): Promise<void> }>(server: Server): Server {
  openServers.push(server);
  return server;
}

/** Sends a POST that carries the canary in every place that an error could quote. */
function post(url: string, more: Partial<ProviderRequest> = {}): Promise<ProviderResponse> {
  return client.send({
    method: 'POST',
    url: `${url}/token/${canary}?q=${canary}`,
    headers: { authorization: `Bearer ${canary}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: `refresh_token=${canary}`,
    timeoutMs: 5000,
    ...more,
  });
}

/**
 * Returns the error of a promise that must reject, after checking that no way of printing it shows the canary (LOG-02).
 */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (reason: unknown) => reason,
  );
  const printed = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`;
  expect(printed).not.toContain(canary);
  return error;
}

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
    client = new ProviderHttpClient();
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

describe('connections (TE-06)', () => {
  /** Calls back with every complete request head and its body, which must arrive in one piece. */
  function onEachRequest(socket: Socket, handle: (count: number) => void): void {
    let count = 0;
    socket.on('data', () => handle((count += 1)));
  }
  const keepAliveResponse =
    'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok';

  it('sends a POST once when the peer closes on receipt', async () => {
    let requests = 0;
    const server = opened(
      await startSocketServer((socket) =>
        onEachRequest(socket, () => {
          requests += 1;
          socket.destroy();
        }),
      ),
    );
    const error = await errorOf(post(server.url));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    expect(requests).toBe(1);
  });

  /** Responds to the first requests of each connection and hands the next one over; returns how many came on each. */
  async function startKeepingServer(
    served: number,
    next: (socket: Socket) => void,
    response = keepAliveResponse,
  ): Promise<{ url: string; perConnection: number[] }> {
    const perConnection: number[] = [];
    const { url } = opened(
      await startSocketServer((socket) => {
        const index = perConnection.push(0) - 1;
        onEachRequest(socket, (count) => {
          perConnection[index] = count;
          if (count <= served) {
            socket.write(response);
          } else {
            next(socket);
          }
        });
      }),
    );
    return { url, perConnection };
  }

  it('uses a connection again right after a complete response', async () => {
    const { url, perConnection } = await startKeepingServer(9, () => undefined);
    // A machine that stands still for a fifth of a second lets one grow too old, but not each.
    for (let round = 0; round < 20 && Math.max(0, ...perConnection) < 3; round += 1) {
      await expect(post(url)).resolves.toMatchObject({ body: 'ok' });
      await expect(client.send({ method: 'GET', url, timeoutMs: 5000 })).resolves.toMatchObject({ body: 'ok' });
    }
    expect(Math.max(...perConnection)).toBeGreaterThanOrEqual(3);
  });

  it('sends a POST once, its fate unknown, when the peer closes a used connection on its receipt (R-24)', async () => {
    const { url, perConnection } = await startKeepingServer(1, (socket) => socket.resetAndDestroy());
    let requests = 0;
    const send = (): Promise<ProviderResponse> => {
      requests += 1;
      return post(url);
    };
    let failed: unknown;
    // As above.
    for (let round = 0; round < 20 && failed === undefined; round += 1) {
      await send();
      failed = await errorOf(send()).catch(() => undefined);
    }
    expect(failed).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    expect(perConnection.at(-1)).toBe(2);
    await expect(send()).resolves.toMatchObject({ body: 'ok' });
    expect(perConnection.at(-1)).toBe(1);
    expect(perConnection.reduce((sum, count) => sum + count, 0)).toBe(requests);
  });

  it('never writes to a connection that the peer has closed (R-24)', async () => {
    const closed = Promise.withResolvers<void>();
    let requests = 0;
    const server = opened(
      await startSocketServer((socket) => {
        onEachRequest(socket, () => {
          requests += 1;
          socket.end(keepAliveResponse);
        });
        // The other half of the goodbye: the client knows.
        socket.once('close', () => closed.resolve());
      }),
    );
    await post(server.url);
    await closed.promise;
    await expect(post(server.url)).resolves.toMatchObject({ body: 'ok' });
    expect(requests).toBe(2);
  });

  it('never writes to a connection that was idle for longer than a fifth of a second, even if its timers were late (R-24)', async () => {
    const { url, perConnection } = await startKeepingServer(9, () => undefined);
    const now = performance.now.bind(performance);
    await Promise.all([post(url), post(url)]);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + 201);
    try {
      await Promise.all([post(url), post(url)]);
    } finally {
      clock.mockRestore();
    }
    expect(perConnection).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['Connection: close', keepAliveResponse.replace('keep-alive', 'close')],
    ['Keep-Alive: timeout=0', keepAliveResponse.replace('timeout=60', 'timeout=0')],
    ['HTTP/1.0', keepAliveResponse.replace('HTTP/1.1', 'HTTP/1.0').replace('Connection: keep-alive\r\n', '')],
  ])('opens a new connection after a response with %s', async (_, response) => {
    const { url, perConnection } = await startKeepingServer(9, () => undefined, response);
    await post(url);
    await post(url);
    expect(perConnection).toEqual([1, 1]);
  });

  it('opens a new connection after a response that it gave up', async () => {
    const redirect = keepAliveResponse.replace('200 OK', '302 Found');
    const { url, perConnection } = await startKeepingServer(9, () => undefined, redirect);
    await errorOf(post(url));
    await errorOf(post(url));
    expect(perConnection).toEqual([1, 1]);
  });

  it('does not repeat a request after a broken response', async () => {
    let requests = 0;
    const server = opened(
      await startSocketServer((socket) =>
        onEachRequest(socket, () => {
          requests += 1;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"access_token":"${canary}`, () =>
            socket.resetAndDestroy(),
          );
        }),
      ),
    );
    expect(await errorOf(post(server.url, { method: 'GET' }))).toMatchObject({ fate: 'unknown' });
    expect(await errorOf(post(server.url))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    expect(requests).toBe(2);
  });

  it('reports a refused connection as not sent', async () => {
    const server = await startRecordingServer(() => ({}));
    await server.close();
    const error = await errorOf(post(server.url));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail: 'ECONNREFUSED, not-sent' });
    expect((error as Error).message).toMatch(/^The provider at 127\.0\.0\.1:\d+ could not be reached\.$/);
  });

  it('reports a response that is no HTTP as unknown', async () => {
    const server = opened(
      await startSocketServer((socket) => onEachRequest(socket, () => socket.end(`${canary}\r\n\r\n`))),
    );
    expect(await errorOf(post(server.url))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
  });
});

describe('total time (NET-04)', () => {
  const timeoutMs = 150;
  /** Of requests that are sent before. */
  const sentTimeoutMs = 1_000;

  it('covers a peer that never responds', async () => {
    const arrived = Promise.withResolvers<void>();
    const server = opened(
      await startRecordingServer(() => {
        arrived.resolve();
        return new Promise(() => undefined);
      }),
    );
    const error = errorOf(post(server.url, { timeoutMs: sentTimeoutMs }));
    await arrived.promise;
    expect(await error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown', detail: 'TIMEOUT, unknown' });
  });

  it('covers a body that trickles in, however often a byte comes', async () => {
    const server = opened(
      await startSocketServer((socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'));
        const timer = setInterval(() => socket.write('x'), 10);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    // The whole body takes much longer, and every byte of it would come in time.
    const error = await errorOf(post(server.url, { timeoutMs: sentTimeoutMs }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown', detail: 'TIMEOUT, unknown' });
  });

  it('covers a TLS handshake that does not end, with nothing sent', async () => {
    const ended = Promise.withResolvers<void>();
    const server = opened(
      await startSocketServer((socket) => socket.resume().once('close', () => ended.resolve()), 'https'),
    );
    const error = await errorOf(post(server.url, { timeoutMs }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail: 'TIMEOUT, not-sent' });
    await ended.promise;
  });

  it('covers waiting for a free connection; a request that gave up is not sent later', async () => {
    const releases: (() => void)[] = [];
    const full = Promise.withResolvers<void>();
    const server = opened(
      await startRecordingServer(async () => {
        await new Promise<void>((resolve) => {
          releases.push(resolve);
          if (releases.length === 64) {
            full.resolve();
          }
        });
        return {};
      }),
    );
    const hanging = Array.from({ length: 64 }, () => post(server.url));
    await full.promise;
    const error = await errorOf(post(server.url, { timeoutMs }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail: 'TIMEOUT, not-sent' });
    const afterwards = post(server.url);
    releases.forEach((release) => release());
    await Promise.all(hanging);
    while (releases.length < 65) {
      await new Promise(setImmediate);
    }
    releases.at(-1)?.();
    await afterwards;
    expect(server.requests).toHaveLength(65);
  });

  /** A server whose only response comes when it is told to. */
  async function startLateServer() {
    const response = Promise.withResolvers<{ body: string }>();
    return { ...opened(await startRecordingServer(() => response.promise)), respond: response.resolve };
  }

  it('is passed by a response that is waited for with patience, once the request is written (R-08)', async () => {
    const server = await startLateServer();
    const { signal } = new AbortController();
    const overdue = Promise.withResolvers<void>();
    const sent = post(server.url, { timeoutMs: sentTimeoutMs, patience: { onOverdue: overdue.resolve, signal } });
    await overdue.promise;
    server.respond({ body: 'late' });
    await expect(sent).resolves.toMatchObject({ status: 200, body: 'late' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([['before the time limit'], ['after the time limit']])(
    'holds again when the patience ends %s (R-08)',
    async (when) => {
      const server = await startLateServer();
      const end = new AbortController();
      const overdue = jest.fn(() => end.abort());
      if (when === 'before the time limit') {
        end.abort();
      }
      const patience = { onOverdue: overdue, signal: end.signal };
      const error = await errorOf(post(server.url, { timeoutMs: sentTimeoutMs, patience }));
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown', detail: 'TIMEOUT, unknown' });
      expect(overdue).toHaveBeenCalledTimes(when === 'before the time limit' ? 0 : 1);
    },
  );

  it('holds for a request that is not written, however much patience there is (R-26)', async () => {
    const server = opened(await startSocketServer((socket) => socket.resume(), 'https'));
    const overdue = jest.fn();
    const patience = { onOverdue: overdue, signal: new AbortController().signal };
    const error = await errorOf(post(server.url, { timeoutMs, patience }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail: 'TIMEOUT, not-sent' });
    expect(overdue).not.toHaveBeenCalled();
  });

  it('frees the connection of a request that timed out', async () => {
    const ended = Promise.withResolvers<void>();
    const server = opened(
      await startSocketServer((socket) => {
        socket.resume();
        socket.on('close', () => ended.resolve());
      }),
    );
    await errorOf(post(server.url, { timeoutMs }));
    await ended.promise;
  });
});

describe('body size (TE-04)', () => {
  const tooLarge = { code: 'PROVIDER_UNAVAILABLE', fate: 'answered', detail: 'BODY_TOO_LARGE, answered' };

  it('takes 1 MiB', async () => {
    const server = opened(await startRecordingServer(() => ({ body: 'x'.repeat(limit) })));
    expect((await post(server.url)).body).toHaveLength(limit);
  });

  it('refuses a byte more', async () => {
    const server = opened(await startRecordingServer(() => ({ body: canary + 'x'.repeat(limit + 1 - canary.length) })));
    expect(await errorOf(post(server.url))).toMatchObject(tooLarge);
  });

  it('stops reading an endless body', async () => {
    const server = opened(
      await startSocketServer((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
          const more = (): void => {
            while (socket.writable && socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`));
          };
          socket.on('drain', more);
          more();
        });
      }),
    );
    expect(await errorOf(post(server.url))).toMatchObject(tooLarge);
  });

  it('takes as much as a request allows, in bytes that no decoding has touched, and not a byte more', async () => {
    const body = Buffer.alloc(limit * 3, Buffer.from([0xff, 0x00, 0xc3, 0x0d, 0x0a]));
    const server = opened(await startRecordingServer(() => ({ body })));
    const request = { method: 'GET', url: server.url, timeoutMs: 5_000 } as const;
    const response = await client.exchange({ ...request, maxResponseBytes: body.length });
    expect(response.body.equals(body)).toBe(true);
    const refused = client.exchange({ ...request, maxResponseBytes: body.length - 1 });
    expect(await errorOf(refused)).toMatchObject({
      ...tooLarge,
      message: expect.stringContaining(`${body.length - 1} bytes`),
    });
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['identity', (body: Buffer) => body],
  ])('decodes content encoding %s', async (encoding, compress) => {
    const body = compress(Buffer.from('{"ü":1}'));
    const server = opened(await startRecordingServer(() => ({ headers: { 'content-encoding': encoding }, body })));
    await expect(post(server.url)).resolves.toMatchObject({ body: '{"ü":1}' });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('refuses a small %s body that expands to one byte more than 1 MiB', async (encoding, compress) => {
    const exact = compress(Buffer.alloc(limit, 'x'));
    const bomb = compress(Buffer.alloc(limit + 1, 'x'));
    expect(bomb.length).toBeLessThan(limit / 100);
    const headers = { 'content-encoding': encoding };
    const server = opened(
      await startRecordingServer(({ headers: { 'x-case': which } }) => ({
        headers,
        body: which === 'bomb' ? bomb : exact,
      })),
    );
    expect((await post(server.url)).body).toHaveLength(limit);
    expect(await errorOf(post(server.url, { headers: { 'x-case': 'bomb' } }))).toMatchObject(tooLarge);
  });

  it.each([
    ['an unknown encoding', 'zstd', Buffer.from(canary)],
    ['two encodings', 'gzip, br', gzipSync(canary)],
    ['a property name as encoding', 'constructor', Buffer.from(canary)],
    ['a body that is not what it says', 'gzip', Buffer.from(canary)],
    ['a body that is cut off', 'gzip', gzipSync(canary).subarray(0, 20)],
  ])('refuses %s', async (_, encoding, body) => {
    const server = opened(await startRecordingServer(() => ({ headers: { 'content-encoding': encoding }, body })));
    expect(await errorOf(post(server.url))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
  });
});
