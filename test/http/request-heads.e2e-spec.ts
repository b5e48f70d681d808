import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { securityHeaders } from '../../src/http/security-headers.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { exchangeRaw, parseResponse } from '../support/raw-http.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;
let authorization: string;
beforeAll(async () => {
  application = await startApplication();
  authorization = `Authorization: ${String(application.api.get('/').get('authorization'))}\r\n`;
  await linkAccount(application, 'user-1', 'whoop');
});
afterAll(() => application.close());

const host = 'Host: link.example.com\r\n';
const end = 'Connection: close\r\n\r\n';
const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
const list = 'GET /v1/providers HTTP/1.1\r\n';

describe('a request that Node cannot read', () => {
  it.each([
    ['no HTTP', 400, 'NONSENSE\r\n\r\n'],
    ['an unknown method', 400, `FROB / HTTP/1.1\r\n${host}${end}`],
    ['a line end in a header', 400, `${list}${host}X-A: b\rc\r\n${end}`],
    ['a space in a header name', 400, `${list}${host}X A: b\r\n${end}`],
    [
      'two lengths of its body',
      400,
      `POST /connect HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n${end}`,
    ],
    [
      'a length and chunks',
      400,
      `POST /connect HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n${end}`,
    ],
    ['headers of more than 16 KiB', 431, `${list}${host}X-Long: ${'a'.repeat(17_000)}\r\n${end}`],
    ['CONNECT', 405, 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['no Host', 400, `${list}${end}`],
    ['two Hosts', 400, `${list}${host}Host: evil.example\r\n${end}`],
    ['a Host twice in other letters', 400, `${list}${host}HOST: link.example.com\r\n${end}`],
    ['two Authorizations', 400, `${list}${host}Authorization: Bearer a\r\nauthorization: Bearer b\r\n${end}`],
    ['two content types', 400, `POST /connect HTTP/1.1\r\n${host}Accept: application/json\r\n${form}${form}${end}`],
    ['two Hosts, on a page', 400, `GET /docs-json HTTP/1.1\r\n${host}${host}${end}`],
    ['two Hosts, where there is no call', 400, `GET /nothing HTTP/1.1\r\n${host}${host}${end}`],
    ['a URL that cannot be decoded', 400, `GET /%ff HTTP/1.1\r\n${host}${end}`],
  ])('because of %s gets problem details, an id and the security headers (NET-03)', async (_, status, bytes) => {
    const response = parseResponse(await exchangeRaw(application, bytes));

    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    const names = Object.keys(securityHeaders(false));
    expect(names.filter((name) => response.headers[name] === undefined)).toEqual([]);
    const id = response.headers['x-request-id'];
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(response.body)).toEqual({
      type: 'urn:cufflink:error:REQUEST_INVALID',
      title: 'request invalid',
      status,
      detail: expect.stringMatching(/^\w.{10,}[.]$/),
      code: 'REQUEST_INVALID',
      act: 'caller',
      request_id: id,
    });
  });

  it('does not end the service, nor others that come over the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => exchangeRaw(application, '\x16\x03\x01\x00\xff')));
    await application.browser.get('/health/live').expect(200);
  });
});

describe('a request that is only unusual', () => {
  it.each([
    ['HTTP/1.0 without a Host', 'GET /health/live HTTP/1.0\r\n\r\n'],
    ['an expectation that nobody knows', `GET /health/live HTTP/1.1\r\n${host}Expect: the-best\r\n${end}`],
    ['an upgrade that is not offered', `GET /health/live HTTP/1.1\r\n${host}Upgrade: websocket\r\n${end}`],
    ['two headers that may come twice', `GET /health/live HTTP/1.1\r\n${host}Accept: a/b\r\nAccept: c/d\r\n${end}`],
  ])('is served: %s', async (_what, bytes) => {
    expect(parseResponse(await exchangeRaw(application, bytes)).status).toBe(200);
  });
});

describe('HEAD for a token (TE-17)', () => {
  it('reads none and leaves no entry of one', async () => {
    const count = async (): Promise<number> => {
      const text = `SELECT count(*)::int AS count FROM audit_entries WHERE action IN ('token.handed_out', 'user.exported')`;
      return (await queryDatabase<{ count: number }>(application.databaseUrl, text))[0]?.count ?? NaN;
    };
    const before = await count();
    for (const path of ['/v1/users/user-1/connections/whoop/token', '/v1/users/user-1/export']) {
      const response = parseResponse(
        await exchangeRaw(application, `HEAD ${path} HTTP/1.1\r\n${host}${authorization}${end}`),
      );
      expect(response).toMatchObject({ status: 405, headers: { allow: 'GET' }, body: '' });
    }
    expect(await count()).toBe(before);

    await application.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
    expect(await count()).toBe(before + 1);
  });
});

describe('the id of a request', () => {
  const token = '/v1/users/user-1/connections/whoop/token';

  it('is one of ours, and behind it the one that the caller gave; the audit trail has both', async () => {
    const { headers } = await application.api.get(token).set('x-request-id', 'order-4711').expect(200);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}\.order-4711$/);

    const rows = await queryDatabase(
      application.databaseUrl,
      'SELECT action FROM audit_entries WHERE request_id = $1',
      [headers['x-request-id']],
    );
    expect(rows).toEqual([{ action: 'token.handed_out' }]);
  });

  it('cannot be made to look like that of another request', async () => {
    const { headers: first } = await application.api.get(token).expect(200);
    const other = String(first['x-request-id']);
    for (const given of [other, `${other}.abcdefgh`, 'a.b', 'short', 'x'.repeat(65), 'with space in it']) {
      const { headers } = await application.api.get(token).set('x-request-id', given).expect(200);
      expect(String(headers['x-request-id']).split('.')[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(String(headers['x-request-id']).split('.')[0]).not.toBe(other);
    }
  });
});
