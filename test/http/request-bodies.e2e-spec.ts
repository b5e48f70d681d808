import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import fc from 'fast-check';
import { StartLinkBody } from '../../src/links/links.dto.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { request } from '../../src/sandbox/testing/request.js';

const connection = '/v1/users/user-1/connections/whoop';
/** Every call that reads JSON, with the size of the largest body that it takes. */
const calls = {
  [`${connection}/link`]: 4_096,
  [`${connection}/token/rejected`]: 4_096,
  [`${connection}/sign`]: 65_536,
  '/v1/links/00000000-0000-4000-8000-000000000000/confirm': 4_096,
  '/v1/link-sessions': 4_096,
  // They read forms, and must not be hurt by anything else.
  '/v1/oauth/whoop/callback': 65_536,
  '/connect': 65_536,
  '/connect/start': 65_536,
};

let application: TestApplication;
let url: string;
let key: string;
beforeAll(async () => {
  application = await startApplication({ environment: { RATE_LIMIT_CALLER_PER_MINUTE: '0' } });
  url = await application.app.getUrl();
  key = String(application.api.get('/').get('authorization'));
});
afterAll(() => application.close());

async function post(path: string, body: string | Buffer, type = 'application/json') {
  const headers = { authorization: key, 'content-type': type };
  const response = await request(`${url}${path}`, { method: 'POST', headers, body });
  return { status: response.statusCode, text: await response.body.text() };
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('a body of JSON', () => {
  /** Trees of every shape: names of the calls' own fields among others, deep, wide, and both. */
  const names = fc.oneof(
    fc.constantFrom('return_url', 'scopes', 'user_id', 'confirmation_code', 'fingerprint', 'method', 'url', 'form'),
    fc.constantFrom('', '__proto__', 'constructor', 'toString', 'then', 'length', '0'),
    fc.string({ unit: 'binary', maxLength: 10 }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1e300, '', 'text', '\0', '\ud800', 'x'.repeat(300)),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.array(tie('tree'), { maxLength: 30 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 20, noNullPrototype: true }),
    ),
  }));
  const deep = (bytes: number) =>
    fc
      .tuple(
        fc.integer({ min: 1, max: 32_000 }),
        fc.constantFrom(['[', ']'], ['{"":', '}'], ['{"scopes":[', ']}']),
        names,
      )
      .map(([levels, [open = '', close = ''], name]) => {
        const few = Math.min(levels, Math.floor((bytes - 100) / (open.length + close.length)));
        return `{${JSON.stringify(name)}:${open.repeat(few)}0${close.repeat(few)}}`;
      });
  const wide = (bytes: number) =>
    fc
      .tuple(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom('{}', '[]', '0', '""', '"x"', '[[]]'), names)
      .map(([members, element, name]) => {
        const few = Math.min(members, Math.floor((bytes - 100) / (element.length + 1)));
        return `{${JSON.stringify(name)}:[${Array.from({ length: few }, () => element).join(',')}]}`;
      });
  const texts = (bytes: number) =>
    fc.oneof(
      tree.map((value) => JSON.stringify(value)),
      deep(bytes),
      wide(bytes),
    );

  it.each(Object.entries(calls))(
    'sent to %s never ends in an internal error (AR-14)',
    async (path, limit) => {
      await fc.assert(
        fc.asyncProperty(texts(limit), async (text) => {
          expect((await post(path, text)).status).toBeLessThan(500);
        }),
        { seed: 20261130, numRuns: 60 },
      );
    },
    300_000,
  );

  it.each([
    ['2,000 levels', `{"return_url":${nested(2_000)}}`, 'nested too deeply'],
    ['four levels', '{"scopes":[{"a":{}}]}', 'nested too deeply'],
    ['1,300 elements', `{"scopes":[${'{},'.repeat(1_299)}{}]}`, 'too many fields and list elements'],
    ['101 fields', `{${Array.from({ length: 101 }, (_, index) => `"${index}":0`).join(',')}}`, 'too many fields'],
  ])('of %s is refused before it is looked at any further (AR-14)', async (_what, text, reason) => {
    const { status, text: response } = await post(`${connection}/link`, text);
    expect(status).toBe(400);
    expect(response).toContain(reason);
  });

  it('of 2,000 levels breaks a walk over it (AR-14)', () => {
    const body = JSON.parse(`{"return_url":${nested(2_000)}}`) as object;
    expect(() => plainToInstance(StartLinkBody, body)).toThrow(RangeError);
  });

  it('that is too long is refused unread, where it is not about a long URL (AR-14)', async () => {
    const long = (bytes: number): string => JSON.stringify({ method: 'GET', url: 'x'.repeat(bytes - 25) });
    expect((await post('/v1/webhook-endpoints', long(4_096))).status).toBe(400);
    expect((await post('/v1/webhook-endpoints', long(4_097))).status).toBe(413);
    // The start of a link has metadata.
    expect((await post(`${connection}/link`, long(65_536))).status).toBe(400);
    expect((await post(`${connection}/link`, long(65_537))).status).toBe(413);
    expect((await post(`${connection}/sign`, long(8_000))).status).not.toBe(413);
    expect((await post(`${connection}/sign`, long(65_537))).status).toBe(413);
  });

  it('must be UTF-8 (AR-14)', async () => {
    const { status, text } = await post(`${connection}/link`, Buffer.from('{"return_url":"\xff"}', 'latin1'));
    expect(status).toBe(400);
    expect(text).toContain('The body must be JSON in UTF-8.');
  });

  it('looks at no element of a list that is too long (AR-14)', async () => {
    const { text } = await post(`${connection}/link`, JSON.stringify({ scopes: Array.from({ length: 60 }, () => 1) }));
    expect(JSON.parse(text)).toMatchObject({ detail: 'scopes must contain no more than 50 elements.' });
  });
});

describe('a content type with nothing behind it (TE-17)', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded', 'text/plain'])(
    'is no body: %s',
    async (type) => {
      for (const [method, path, status] of [
        ['POST', `${connection}/link`, 201],
        ['POST', `${connection}/refresh`, 404],
        ['DELETE', connection, 404],
        ['GET', connection, 404],
      ] as const) {
        const headers = { authorization: key, 'content-type': type };
        const response = await request(`${url}${path}`, { method, headers });
        await response.body.dump();
        expect(`${method} ${path} ${response.statusCode}`).toBe(`${method} ${path} ${status}`);
      }
    },
  );

  it('gets the missing fields if a call needs a body', async () => {
    const { status, text } = await post('/v1/link-sessions', '');
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ detail: expect.stringContaining('user_id') });
  });
});

jest.setTimeout(300_000);
