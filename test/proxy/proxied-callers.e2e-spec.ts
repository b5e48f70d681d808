import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DataApiClient } from '../../src/provider-kit/data-api/data-api-client.js';
import type { PreparedResponse } from '../../src/provider-kit/testing/recording-server.js';
import { ResponseMemory } from '../../src/proxy/response-memory.js';
import { proxiedCalls } from '../../src/proxy/proxy.metrics.js';
import { type DataApiApplication, startWithDataApi } from '../support/data-api-application.js';
import { linkAccount } from '../support/linking.js';
import { ProxyCaller } from '../support/proxied-call.js';
import { until } from '../support/until.js';

const user = 'the-user';
const path = `/v1/users/${user}/connections/whoop/proxy/a`;
const maxResponseBytes = 10 * 1024 * 1024;
const largest: PreparedResponse = { body: Buffer.alloc(maxResponseBytes, 'x') };

/** Room for three of the largest responses, which are waited for as long as the tests take. */
class ThreeResponses extends ResponseMemory {
  protected override readonly maxBytes: number = 3 * maxResponseBytes;
  override readonly readWithinMs: number = 600_000;
}

class ThreeResponsesForAMoment extends ThreeResponses {
  override readonly readWithinMs = 100;
}

class AnyNumberOfResponses extends ThreeResponses {
  protected override readonly maxBytes = Infinity;
}

let bench: DataApiApplication;
let caller: ProxyCaller;
let sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) {
    socket.destroy();
  }
  sockets = [];
  await bench.close();
});

async function start(
  response: () => PreparedResponse | Promise<PreparedResponse>,
  responses: new () => ResponseMemory = ResponseMemory,
): Promise<void> {
  bench = await startWithDataApi(response, {
    override: (builder) => builder.overrideProvider(ResponseMemory).useClass(responses),
  });
  caller = await ProxyCaller.of(bench.application);
  await linkAccount(bench.application, user, 'whoop');
}

/** Sends calls over a connection of their own, one behind the other, and reads nothing of what comes back. */
async function callWithoutReading(calls = 1): Promise<Socket> {
  const { hostname, port } = new URL(await bench.application.app.getUrl());
  const key = await bench.application.createKey('tokens:sign');
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  socket.on('error', () => socket.destroy());
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`.repeat(calls));
  return socket;
}

function heldBytes(): number {
  return bench.application.app.get(ResponseMemory).bytes;
}

describe('callers that do not read (NET-04)', () => {
  it('may hold a limited number of responses: further ones are refused until callers have read theirs', async () => {
    await start(() => largest, ThreeResponses);
    for (let count = 1; count <= 3; count += 1) {
      await callWithoutReading();
      await until('its response is held', () => heldBytes() === count * maxResponseBytes);
    }
    await until('all have arrived', () => bench.dataApi.requests.length === 3);
    const refused = await caller.call('whoop', 'a', { method: 'POST' });
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { code: 'RATE_LIMITED', act: 'caller', retry_after_seconds: 1 },
    });
    expect(refused.json['detail']).toMatch(/provider responses/);
    expect(bench.dataApi.requests).toHaveLength(3);
    expect(heldBytes()).toBe(3 * maxResponseBytes);
    for (const socket of sockets) {
      socket.destroy();
    }
    await until('nothing is held', () => heldBytes() === 0);
    expect((await caller.call('whoop', 'a')).body).toHaveLength(maxResponseBytes);
  });

  it('cannot have more by calling all at once, nor keep a place by calls that wait on one connection', async () => {
    await start(() => largest, ThreeResponses);
    let most = 0;
    const statuses = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const { status } = await caller.call('whoop', 'a');
        most = Math.max(most, heldBytes());
        return status;
      }),
    );
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    expect(statuses).toContain(200);
    expect(bench.dataApi.requests).toHaveLength(statuses.filter((status) => status === 200).length);
    expect(most).toBeLessThanOrEqual(3 * maxResponseBytes);
    await until('nothing is held', () => heldBytes() === 0);
    const before = bench.dataApi.requests.length;
    const socket = await callWithoutReading(3);
    await until('the responses are held', () => heldBytes() === 3 * maxResponseBytes);
    await until('all have arrived', () => bench.dataApi.requests.length === before + 3);
    socket.destroy();
    await until('nothing is held', () => heldBytes() === 0);
  });

  it('lose the connection, and then calls work again', async () => {
    let response = largest;
    await start(() => response, ThreeResponsesForAMoment);
    for (let count = 1; count <= 3; count += 1) {
      await callWithoutReading();
    }
    await until('the provider has been called', () => bench.dataApi.requests.length === 3);
    await until('nothing is held', () => heldBytes() === 0);
    for (const socket of sockets) {
      // The end of a connection shows behind what came before it.
      socket.resume();
      await until('it is closed', () => socket.closed);
      expect(socket.bytesRead).toBeLessThan(maxResponseBytes);
    }
    // A moment is not enough to read much.
    response = { body: 'small' };
    expect((await caller.call('whoop', 'a')).status).toBe(200);
  });

  it('would have as much held as they like, without a bound', async () => {
    await start(() => largest, AnyNumberOfResponses);
    for (let count = 1; count <= 6; count += 1) {
      await callWithoutReading();
    }
    await until('six times the largest is held', () => heldBytes() === 6 * maxResponseBytes);
    await until('all have arrived', () => bench.dataApi.requests.length === 6);
    expect((await caller.call('whoop', 'a')).status).toBe(200);
  });

  it('are held smaller responses for by their size', async () => {
    const bytes = 0.6 * maxResponseBytes;
    await start(() => ({ body: Buffer.alloc(bytes, 'x') }), ThreeResponses);
    for (let count = 1; count <= 4; count += 1) {
      await callWithoutReading();
      await until('its response is held', () => heldBytes() === count * bytes);
    }
    expect((await caller.call('whoop', 'a')).status).toBe(429);
  });
});

describe('callers that leave', () => {
  /** Sends a call; `leave` breaks its connection. */
  async function callAndLeave(method: string): Promise<{ leave: () => void }> {
    const key = await bench.application.createKey('tokens:sign');
    const url = `${await bench.application.app.getUrl()}${path}/left`;
    const outgoing = request(url, { method, agent: false, headers: { authorization: `Bearer ${key}` } });
    outgoing.on('error', () => undefined);
    outgoing.end();
    return { leave: () => outgoing.destroy() };
  }

  async function counted(outcome: string): Promise<number> {
    const { values } = await proxiedCalls.get();
    return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  }

  it.each(['POST', 'GET'])('have nothing sent that still waits: %s', async (method) => {
    const held = Promise.withResolvers<PreparedResponse>();
    await start(() => held.promise);
    const exchange = jest.spyOn(bench.application.app.get(DataApiClient), 'exchange');
    const calls = Array.from({ length: 16 }, () => caller.call('whoop', 'a'));
    await until('the provider has all that it gets at a time', () => bench.dataApi.requests.length === 16);
    const abandoned = await counted('abandoned');
    const { leave } = await callAndLeave(method);
    await until('the call waits', () => exchange.mock.calls.length === 17);
    leave();
    await until('it is given up', async () => (await counted('abandoned')) === abandoned + 1);
    const last = caller.call('whoop', 'last');
    await until('the last one waits', () => exchange.mock.calls.length === 18);
    held.resolve({ body: '{}' });
    expect((await last).status).toBe(200);
    await Promise.all(calls);
    expect(bench.dataApi.requests.filter(({ target }) => target.endsWith('/left'))).toEqual([]);
    await until('nothing is held', () => heldBytes() === 0);
  });

  it('let a sent request run to completion', async () => {
    const held = Promise.withResolvers<PreparedResponse>();
    await start(() => held.promise);
    const [answered, abandoned] = [await counted('2xx'), await counted('abandoned')];
    const { leave } = await callAndLeave('POST');
    await until('it is sent', () => bench.dataApi.requests.length === 1);
    const server = bench.application.app.getHttpServer() as { getConnections: (done: CountDone) => void };
    leave();
    await until('the service has seen it', async () => (await connectionsOf(server)) === 0);
    held.resolve({ body: '{}' });
    await until('it has ended', async () => (await counted('2xx')) === answered + 1);
    expect(await counted('abandoned')).toBe(abandoned);
    await until('nothing is held', () => heldBytes() === 0);
  });

  type CountDone = (error: Error | null, count: number) => void;

  function connectionsOf(server: { getConnections: (done: CountDone) => void }): Promise<number> {
    return new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }
});
