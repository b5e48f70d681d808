import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { startRecordingServer, startSocketServer } from '../testing/recording-server.js';
import { canary, errorOf } from '../testing/canary.js';
import { client, opened, post, useHttpClient } from '../testing/http-client-bench.js';

useHttpClient();

const limit = 1024 * 1024;

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
