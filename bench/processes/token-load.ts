import { connect, type Socket } from 'node:net';
import { quantile } from '../statistics.ts';
import { respond } from './respond.ts';

/** The tokens to ask for, and for how long. */
export interface TokenLoad {
  readonly port: number;
  readonly apiKey: string;
  readonly provider: string;
  /** Users are drawn evenly from `user-0` to the one before this, */
  readonly connections: number;
  /** of those whose number is a multiple of this. */
  readonly step: number;
  readonly clients: number;
  readonly seconds: number;
  /** Of the sequence of users; the same for both sides of a round. */
  readonly seed: number;
}

export interface TokenLoadResult {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/**
 * Asks for tokens of random users over keep-alive connections, each of which waits for its response before it asks
 * again.
 */
respond(async (load: TokenLoad): Promise<TokenLoadResult> => {
  const nextUser = randomIntegers(load.seed, Math.floor(load.connections / load.step));
  const stopAt = performance.now() + load.seconds * 1_000;
  const startedAt = performance.now();
  const latencies = (
    await Promise.all(Array.from({ length: load.clients }, () => runClient(load, nextUser, stopAt)))
  ).flat();
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  return {
    perSecond: latencies.length / elapsedSeconds,
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
});

/** Written on sockets, so that the load costs the two servers little of the processors that they share with it. */
function runClient(load: TokenLoad, nextUser: () => number, stopAt: number): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const latencies: number[] = [];
  const socket: Socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true });
  const head = `HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\nAuthorization: Bearer ${load.apiKey}\r\n\r\n`;
  let sentAt = 0;
  let received = '';
  const ask = (): void => {
    sentAt = performance.now();
    socket.write(`GET /v1/users/user-${nextUser() * load.step}/connections/${load.provider}/token ${head}`);
  };
  socket.setEncoding('latin1');
  socket.on('connect', ask);
  socket.on('data', (chunk: string) => {
    received += chunk;
    const bodyAt = received.indexOf('\r\n\r\n') + 4;
    const length = /^content-length: (\d+)/im.exec(received.slice(0, bodyAt))?.[1];
    if (bodyAt < 4 || received.length < bodyAt + Number(length)) {
      return;
    }
    if (!received.startsWith('HTTP/1.1 200') || !received.includes('"access_token":"access-')) {
      socket.destroy(new Error(`Instead of a token came: ${received.slice(0, 300)}`));
      return;
    }
    latencies.push(performance.now() - sentAt);
    received = '';
    if (performance.now() < stopAt) {
      ask();
    } else {
      socket.end();
    }
  });
  socket.on('error', reject);
  socket.on('close', () =>
    performance.now() < stopAt ? reject(new Error('A connection broke.')) : resolve(latencies),
  );
  return promise;
}

/** Returns a generator of integers in [0, `below`): xorshift32, the same sequence for the same seed. */
function randomIntegers(seed: number, below: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
