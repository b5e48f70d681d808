import { describe, expect, it } from '@jest/globals';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { safeSpan } from './safe-span.js';

const canary = 'canary-4f1d';

function span(change: Partial<ReadableSpan> = {}): ReadableSpan {
  return {
    name: 'GET /v1/oauth/:provider/callback',
    attributes: {},
    events: [],
    links: [],
    status: { code: 1 },
    spanContext: () => ({ traceId: 't', spanId: 's', traceFlags: 1 }),
    instrumentationScope: { name: 'http' },
    ...change,
  } as unknown as ReadableSpan;
}

describe('safeSpan', () => {
  it('keeps the listed fields', () => {
    const attributes = { 'http.route': '/v1/users/:user_id/connections', 'http.response.status_code': 200 };
    expect(safeSpan(span({ attributes })).attributes).toEqual(attributes);
  });

  it.each(['url.full', 'url.path', 'url.query', 'http.target', 'db.query.text', 'db.statement', 'user_agent.original'])(
    'drops %s, and unknown fields (LOG-01)',
    (name) => {
      const attributes = { [name]: canary, [`${name}.new`]: canary };
      expect(safeSpan(span({ attributes })).attributes).toEqual({});
    },
  );

  it('drops events, links and the text of the status (LOG-02)', () => {
    const unsafe = span({
      events: [
        { name: 'exception', time: [0, 0], attributes: { 'exception.message': canary }, droppedAttributesCount: 0 },
      ],
      links: [{ context: { traceId: canary, spanId: 's', traceFlags: 1 } }],
      status: { code: 2, message: canary },
    });
    expect(JSON.stringify(safeSpan(unsafe))).not.toContain(canary);
    expect(safeSpan(unsafe).status).toEqual({ code: 2 });
  });

  it.each([
    ['GET /v1/users/:user_id/connections/:provider/proxy/*', true],
    ['pg.query:connections-read cufflink', true],
    ['POST', true],
    [`GET /v1/oauth/whoop/callback?code=${canary}`, false],
    [`pg.query:SELECT '${canary}'`, false],
  ])('keeps the name %s: %s', (name, kept) => {
    expect(safeSpan(span({ name })).name).toBe(kept ? name : 'http');
  });
});
