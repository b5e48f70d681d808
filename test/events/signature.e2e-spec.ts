import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { eventTypes } from '../../src/events/event-type.js';
import { signatureHeaders } from '../../src/webhooks/webhook-request.js';
import { request } from '../../src/sandbox/testing/request.js';
import { checkout, startProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');

describe('docs/events.md', () => {
  it('has signatures that deliveries would have, and that the specification gives', () => {
    const body = /```text\n(\{.*\})\n```/.exec(page)?.[1] ?? '';
    const [, id = '', seconds = ''] = /`webhook-id: ([^`]+)`, `webhook-timestamp: (\d+)`/.exec(page) ?? [];
    const vectors = [...page.matchAll(/^\| `(whsec_[^`]+)` \| `(v1,[^`]+)` \|$/gm)];
    expect(vectors).toHaveLength(2);
    for (const [, secret = '', signature] of vectors) {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      const digest = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
      expect(`v1,${digest}`).toBe(signature);
      expect(signatureHeaders(id, new Date(Number(seconds) * 1_000), body, [secret])).toEqual({
        'webhook-id': id,
        'webhook-timestamp': seconds,
        'webhook-signature': signature,
      });
    }
  });

  it('has a receiver of 20 lines that takes deliveries, refuses forged ones, and gets those again that it could not store', async () => {
    const lines = (/```js\n(.*?)```/s.exec(page)?.[1] ?? '').split('\n').filter((line) => line !== '');
    expect(lines.length).toBeLessThanOrEqual(20);
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-receiver-'));
    await symlink(join(checkout, 'node_modules'), join(directory, 'node_modules'));
    const port = String(await findFreePort());
    const file = join(directory, 'receiver.mjs');
    const store = `async function storeUnlessKnown(id) { if (id === 'full') throw new Error('The disk is full.'); }`;
    await writeFile(file, [...lines, store, `console.log('started');`].join('\n'));
    const secret = 'whsec_QW5FeGFtcGxlU2VjcmV0T2ZUaGlydHlUd29CeXRlcyE=';
    const receiver = startProcess([file], directory, { CUFFLINK_WEBHOOK_SECRET: secret, PORT: port });
    try {
      await receiver.waitFor('started');
      const send = async (id: string, key: string): Promise<number> => {
        const body = JSON.stringify({ id });
        const headers = signatureHeaders(id, new Date(), body, [key]);
        const sent = await request(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body });
        await sent.body.dump();
        return sent.statusCode;
      };
      await until('it listens', () =>
        send('first', secret).then(
          () => true,
          () => false,
        ),
      );
      expect(await send('second', secret)).toBe(204);
      expect(await send('full', secret)).toBe(503);
      expect(await send('third', secret)).toBe(204);
      expect(await send('forged', 'whsec_QW5vdGhlckV4YW1wbGVTZWNyZXRPZlRoaXJ0eVR3byE=')).toBe(401);
    } finally {
      await receiver.stop('SIGKILL');
      await rm(directory, { recursive: true });
    }
  });

  it('has every type of event, and no other', () => {
    const documented = [...page.matchAll(/^\| `([a-z_.]+)` \| [^|]+ \| [^|]* ?\|$/gm)].map((match) => match[1]);
    expect(documented.sort()).toEqual([...eventTypes].sort());
  });
});
