import type { Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import type { ProviderResponse } from './http-message.js';
import { startRecordingServer, startSocketServer } from '../testing/recording-server.js';
import { canary, errorOf } from '../testing/canary.js';
import { client, opened, post, useHttpClient } from '../testing/http-client-bench.js';

useHttpClient();

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
    // On a machine with much to do, 64 requests may need longer than the usual time limit to arrive.
    const patient = { timeoutMs: 120_000 };
    const hanging = Array.from({ length: 64 }, () => post(server.url, patient));
    await full.promise;
    const error = await errorOf(post(server.url, { timeoutMs }));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent', detail: 'TIMEOUT, not-sent' });
    const afterwards = post(server.url, patient);
    releases.forEach((release) => release());
    await Promise.all(hanging);
    while (releases.length < 65) {
      await new Promise(setImmediate);
    }
    releases.at(-1)?.();
    await afterwards;
    expect(server.requests).toHaveLength(65);
  });

  /** A server that responds only when the test says so. */
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
