import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DataApiApplication, startWithDataApi } from '../support/data-api-application.js';
import { linkAccount } from '../support/linking.js';
import { exchangeRaw, openSocket, parseResponse } from '../support/raw-http.js';
import { until } from '../support/until.js';

const idleMs = 400;
const host = 'Host: x\r\n';

describe('a connection on which nothing moves', () => {
  let bench: DataApiApplication;
  let responseOfProvider: PromiseWithResolvers<void>;
  let server: Server;
  let connected: Set<Socket>;
  let sockets: Socket[];

  beforeEach(async () => {
    responseOfProvider = Promise.withResolvers();
    bench = await startWithDataApi(async () => {
      await responseOfProvider.promise;
      return { body: Buffer.from('late') };
    });
    server = bench.application.app.getHttpServer();
    connected = new Set();
    server.on('connection', (socket: Socket) => {
      connected.add(socket);
      socket.once('close', () => connected.delete(socket));
    });
    sockets = [];
  });
  afterEach(async () => {
    responseOfProvider.resolve();
    sockets.forEach((socket) => socket.destroy());
    await bench.close();
  });

  async function open(count: number, text = ''): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const socket = await openSocket(bench.application);
      // The client neither reads nor closes.
      sockets.push(socket.pause());
      socket.write(text);
    }
    await until('all are connected', () => connected.size === count);
  }

  it('is a matter of a minute or so', () => {
    expect(server.timeout).toBe(60_000);
    expect(server.headersTimeout).toBe(5_000);
    expect(server.keepAliveTimeout).toBeLessThan(90_000);
  });

  it.each([
    ['that has sent nothing', ''],
    ['that has sent half a request line', 'GET /health'],
    ['that has had a response', `GET /health/live HTTP/1.1\r\n${host}\r\n`],
  ])('is closed: one %s', async (_what, text) => {
    server.headersTimeout = idleMs;
    server.keepAliveTimeout = idleMs;
    await open(20, text);
    await until('all are closed by the server', () => connected.size === 0);
  });

  it('is closed: a connection with a client that does not read its response', async () => {
    server.setTimeout(idleMs);
    // More than the buffers of the operating system take.
    await open(3, `GET /docs/swagger-ui-bundle.js HTTP/1.1\r\n${host}\r\n`.repeat(30));
    await until('all are closed by the server', () => connected.size === 0);
  });

  it('stays open while a provider takes its time', async () => {
    server.setTimeout(idleMs);
    await linkAccount(bench.application, 'user-1', 'whoop');
    const key = await bench.application.createKey('tokens:sign');
    const call = exchangeRaw(
      bench.application,
      `GET /v1/users/user-1/connections/whoop/proxy/a HTTP/1.1\r\n${host}Authorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
    );
    await until('the call is at the provider', () => bench.dataApi.requests.length === 1);
    await sleep(4 * idleMs);
    responseOfProvider.resolve();
    expect(parseResponse(await call)).toMatchObject({ status: 200, body: expect.stringContaining('late') });
  });

  it('would be closed while a provider takes its time, without a listener of the response', async () => {
    server.setTimeout(idleMs);
    server.prependListener('request', (_request, response) => {
      // As Node does by itself.
      response.on(
        'newListener',
        (name: string) => name === 'timeout' && setImmediate(() => response.removeAllListeners(name)),
      );
    });
    await linkAccount(bench.application, 'user-1', 'whoop');
    const key = await bench.application.createKey('tokens:sign');
    const socket = await openSocket(bench.application);
    sockets.push(socket);
    socket
      .resume()
      .write(`GET /v1/users/user-1/connections/whoop/proxy/a HTTP/1.1\r\n${host}Authorization: Bearer ${key}\r\n\r\n`);
    await once(socket, 'close');
    expect(bench.dataApi.requests).toHaveLength(1);
  });
});
