import { readFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { eventTypes } from '../../src/events/event-type.js';
import { signatureHeaders } from '../../src/webhooks/webhook-request.js';

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

  it('has every type of event, and no other', () => {
    const documented = [...page.matchAll(/^\| `([a-z_.]+)` \| [^|]+ \| [^|]* ?\|$/gm)].map((match) => match[1]);
    expect(documented.sort()).toEqual([...eventTypes].sort());
  });
});
