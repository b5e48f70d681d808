import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Response } from 'supertest';
import { request } from 'undici';
import { ApiKeysService } from '../src/access/api-keys.service.js';
import { accessScopes, type AccessScope } from '../src/access/scopes.js';
import { errorActors, type ErrorCode } from '../src/errors/error-code.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../src/links/one-time-secret.js';
import { checkReturnUrl } from '../src/links/return-url.js';
import type { Misbehaviour } from '../src/sandbox/misbehaviour.js';
import { startApplication, type TestApplication } from './support/application.js';
import { consent } from './support/browser.js';
import { linkAccount, pathOf, startLink } from './support/linking.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { createTestDatabase, queryDatabase } from './support/test-database.js';

const registered = 'https://app.example.com/done';
const registeredToo = 'https://app.example.com:8443/devices?tab=health';
const slugs = ['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1'];

let application: TestApplication;
let users = 0;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: `${registered},${registeredToo}` } });
  // Somebody whose connections no wrong input may touch.
  await linkAccount(application, 'bystander', 'whoop');
  await linkAccount(application, 'bystander', 'garmin-oauth1');
});
afterEach(() => {
  for (const slug of slugs) {
    application.sandbox.maker(slug).behave();
  }
});
afterAll(() => application.close());

function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/** Checks that an answer is problem details with this code, and the one who has to act. */
function expectProblem(response: Response, status: number, code: ErrorCode): void {
  expect({ status: response.status, body: response.body as unknown }).toEqual({
    status,
    body: {
      type: `urn:cufflink:error:${code}`,
      title: code.toLowerCase().replaceAll('_', ' '),
      status,
      detail: expect.stringMatching(/^\w.{10,}[.]$/s),
      code,
      act: errorActors[code],
      request_id: response.headers['x-request-id'],
      ...(response.headers['retry-after'] === undefined
        ? {}
        : { retry_after_seconds: Number(response.headers['retry-after']) }),
    },
  });
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.headers['cache-control']).toBe('no-store');
  expect(String(response.headers['x-request-id'])).toMatch(/^[\w-]{8,64}$/);
}

function bodyOf({ body }: { body: unknown }): unknown {
  return body;
}

/** Everything that a wrong request could change: rows, and what the makers were asked. */
async function takeStock(): Promise<unknown> {
  const rows = await queryDatabase(
    application.databaseUrl,
    `SELECT (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM connections c) AS connections,
            (SELECT jsonb_agg(to_jsonb(l) ORDER BY id) FROM links l) AS links,
            (SELECT jsonb_agg(to_jsonb(k) - 'last_used_at' ORDER BY id) FROM api_keys k) AS keys`,
  );
  return { rows, calls: slugs.map((slug) => application.sandbox.maker(slug).history.length) };
}

/** Rows of connections only: a callback uses its link up, and may ask the maker. */
async function connectionRows(): Promise<unknown> {
  return queryDatabase(application.databaseUrl, 'SELECT to_jsonb(c) AS row FROM connections c ORDER BY id');
}

/** A link that the user has approved, on its way back. */
async function approvedLink(slug: string, user = newUser()) {
  const { linkWebUrl, state } = await startLink(application, user, slug);
  return { user, state, callback: await consent(linkWebUrl) };
}

describe('a request that is wrong in itself', () => {
  let before: unknown;
  beforeEach(async () => {
    before = await takeStock();
  });
  afterEach(async () => {
    expect(await takeStock()).toEqual(before);
  });

  it.each(['unknown', 'WHOOP', '__proto__', 'constructor', '..%2Fwhoop', 'whoop%20', '%F0%9F%92%93'])(
    'names the provider %s, which does not exist',
    async (slug) => {
      const base = `/v1/users/bystander/connections/${slug}`;
      for (const call of [
        application.api.post(`${base}/link`).send({}),
        application.api.get(base),
        application.api.get(`${base}/token`),
        application.api.post(`${base}/refresh`),
        application.api.delete(base),
        application.browser.get(`/v1/oauth/${slug}/callback?state=${createOneTimeSecret()}&code=1`),
        application.browser
          .post(`/v1/oauth/${slug}/callback`)
          .type('form')
          .send(`state=${createOneTimeSecret()}&code=1`),
      ]) {
        expectProblem(await call, 404, 'PROVIDER_UNKNOWN');
      }
    },
  );

  it.each([
    ['256 characters', 'a'.repeat(256)],
    ['256 characters of four bytes', encodeURIComponent('💓'.repeat(256))],
    ['NUL', 'a%00b'],
    ['nothing but NUL', '%00'],
    ['a line end', 'a%0Ab'],
    ['DEL', 'a%7F'],
    ['a control character beyond ASCII', 'a%C2%85'],
    ['an invisible character', 'a%E2%80%8B'],
    ['text written backwards', 'a%E2%80%AEb'],
    ['a line separator', 'a%E2%80%A8b'],
    ['a byte order mark', '%EF%BB%BFa'],
    ['a character that does not exist', '%EF%BF%BF'],
  ])('has a user_id with %s', async (_what, user) => {
    const base = `/v1/users/${user}/connections`;
    for (const call of [
      application.api.post(`${base}/whoop/link`).send({}),
      application.api.get(base),
      application.api.get(`${base}/whoop`),
      application.api.get(`${base}/whoop/token`),
      application.api.post(`${base}/whoop/refresh`),
      application.api.delete(`${base}/whoop`),
    ]) {
      expectProblem(await call, 400, 'REQUEST_INVALID');
    }
  });

  it('has an empty user_id', async () => {
    expectProblem(await application.api.post('/v1/users//connections/whoop/link').send({}), 404, 'ROUTE_NOT_FOUND');
    expectProblem(await application.api.get('/v1/users//connections'), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['a field that does not exist', { return_uri: registered }],
    ['a field of another call', { user_id: 'bystander' }],
    ['a state of its own', { state: 'A'.repeat(43) }],
    ['a redirect URI of its own', { redirect_uri: 'https://evil.example/' }],
    ['a number as return_url', { return_url: 1 }],
    ['a list as return_url', { return_url: [registered] }],
    ['an object as return_url', { return_url: { href: registered } }],
    ['a return_url that is too long', { return_url: `${registered}?${'x'.repeat(2_048)}` }],
    ['a text as scopes', { scopes: 'offline' }],
    ['an object as scopes', { scopes: { 0: 'offline', length: 1 } }],
    ['a number among the scopes', { scopes: ['offline', 1] }],
    ['a list among the scopes', { scopes: [['offline']] }],
    ['an empty scope', { scopes: [''] }],
    ['a scope with a space', { scopes: ['offline read:sleep'] }],
    ['a scope with a quote', { scopes: ['off"line'] }],
    ['a scope with NUL', { scopes: ['offline\0'] }],
    ['a scope beyond ASCII', { scopes: ['öffline'] }],
    ['a scope of 201 characters', { scopes: ['x'.repeat(201)] }],
    ['101 scopes', { scopes: Array.from({ length: 101 }, (_, index) => `scope${index}`) }],
    ['a list as body', []],
    ['a list with a body in it', [{ return_url: registered }]],
  ])('has a body with %s', async (_what, body) => {
    const response = await application.api.post(`/v1/users/${newUser()}/connections/whoop/link`).send(body);

    expectProblem(response, 400, 'REQUEST_INVALID');
  });

  it.each([
    ['JSON that ends too early', 400, 'application/json', '{"scopes":'],
    ['text that is not JSON', 400, 'application/json', 'scopes=offline'],
    ['no JSON at all', 400, 'application/json', ''],
    ['a JSON text', 400, 'application/json', '"offline"'],
    ['a JSON number', 400, 'application/json', '1'],
    ['a JSON truth value', 400, 'application/json', 'true'],
    ['a poisoned prototype', 400, 'application/json', '{"__proto__":{"return_url":"https://evil.example/"}}'],
    ['a poisoned constructor', 400, 'application/json', '{"constructor":{"prototype":{"admin":true}}}'],
    ['plain text', 400, 'text/plain', 'hello'],
    ['a form', 400, 'application/x-www-form-urlencoded', `return_url=${encodeURIComponent(registered)}`],
    ['XML', 415, 'application/xml', '<link/>'],
    ['a file', 415, 'multipart/form-data; boundary=x', '--x--'],
    ['no known content type', 415, 'nonsense', '{}'],
    ['64 KB', 413, 'application/json', `{"return_url":"${'x'.repeat(66_000)}"}`],
  ])('has as body %s', async (_what, status, type, body) => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).set('content-type', type).send(body);

    expectProblem(response, status, 'REQUEST_INVALID');
  });

  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v2/providers'],
    ['GET', '//v1/providers'],
    ['GET', '/v1/providers/whoop'],
    ['PUT', '/v1/users/bystander/connections/whoop'],
    ['PATCH', '/v1/users/bystander/connections/whoop/token'],
    ['POST', '/v1/users/bystander/connections/whoop/token'],
    ['GET', '/v1/users/bystander/connections/whoop/link'],
    ['DELETE', '/v1/oauth/whoop/callback'],
    ['PUT', '/v1/oauth/whoop/callback'],
  ] as const)('asks for %s %s, which does not exist', async (method, path) => {
    const verb = method.toLowerCase() as 'get' | 'put' | 'patch' | 'post' | 'delete';

    expectProblem(await application.api[verb](path), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['a percent sign without digits', 400, '/v1/users/%zz/connections'],
    ['a cut-off escape', 400, '/v1/users/user%/connections'],
    ['bytes that are not UTF-8', 400, '/v1/users/%ff/connections'],
    ['an overlong slash', 400, '/v1/users/%c0%af/connections'],
    ['a provider that is not UTF-8', 400, '/v1/oauth/%ff/callback?state=1'],
    ['a user_id of five thousand characters', 414, `/v1/users/${'a'.repeat(5_000)}/connections`],
  ])('has a URL with %s', async (_what, status, path) => {
    expectProblem(await application.api.get(path), status, 'REQUEST_INVALID');
  });

  it.each([
    ['another site', 'https://evil.example/'],
    ['another site without a scheme', '//evil.example/'],
    ['another site with backslashes', '\\\\evil.example\\'],
    ['a slash and a backslash', '/\\evil.example/'],
    ['a scheme without slashes', 'https:evil.example/done'],
    ['a backslash before the path', 'https://app.example.com\\done'],
    ['a backslash before an @', 'https://app.example.com\\@evil.example/done'],
    ['a longer host name', 'https://app.example.com.evil.example/done'],
    ['a host name with a prefix', 'https://evilapp.example.com/done'],
    ['the host as user', 'https://app.example.com@evil.example/done'],
    ['the host as user, escaped', 'https://app.example.com%40evil.example/done'],
    ['the host as user and password', 'https://app.example.com:443@evil.example/done'],
    ['a user', 'https://user@app.example.com/done'],
    ['a password', 'https://:password@app.example.com/done'],
    ['an escaped dot before another host', 'https://app.example.com%2eevil.example/done'],
    ['an ideographic dot before another host', 'https://app.example.com。evil.example/done'],
    ['a full-width dot before another host', 'https://app.example.com．evil.example/done'],
    ['NUL in the host', 'https://app.example.com%00.evil.example/done'],
    ['letters that look alike', 'https://аpp.example.com/done'],
    ['a script', 'javascript:alert(1)//https://app.example.com/done'],
    ['a script in other letters', 'JaVaScRiPt:alert(1)'],
    ['data', 'data:text/html,<script>alert(1)</script>'],
    ['a file', 'file:///etc/passwd'],
    ['an escaped line end', 'https://app.example.com/done%0d%0aSet-Cookie:a=b'],
    ['a line end', 'https://app.example.com/done\r\nSet-Cookie: a=b'],
    ['a line end that a parser drops', 'https://app.example.com/do\nne'],
    ['a tab that a parser drops', 'https://app.exam\tple.com/done'],
    ['NUL', 'https://app.example.com/done\0'],
    ['a space behind', 'https://app.example.com/done '],
    ['a space before', ' https://app.example.com/done'],
    ['a step up', 'https://app.example.com/done/../other'],
    ['an escaped step up', 'https://app.example.com/done/%2e%2e/other'],
    ['a longer path', 'https://app.example.com/done/more'],
    ['a path that begins alike', 'https://app.example.com/done-evil'],
    ['a slash behind', 'https://app.example.com/done/'],
    ['other letters in the path', 'https://app.example.com/Done'],
    ['an escaped letter in the path', 'https://app.example.com/d%6fne'],
    ['no path', 'https://app.example.com/'],
    ['a query', 'https://app.example.com/done?next=https://evil.example/'],
    ['an empty query', 'https://app.example.com/done?'],
    ['another query', 'https://app.example.com:8443/devices?tab=other'],
    ['no query where one is registered', 'https://app.example.com:8443/devices'],
    ['a fragment', 'https://app.example.com/done#@evil.example'],
    ['an empty fragment', 'https://app.example.com/done#'],
    ['http in place of https', 'http://app.example.com/done'],
    ['another port', 'https://app.example.com:8443/done'],
    ['a dot behind the host', 'https://app.example.com./done'],
    ['a host that begins like this machine', 'http://localhost.evil.example/'],
    ['an address that begins like this machine', 'http://127.0.0.1.evil.example/'],
    ['this machine as user', 'http://localhost:3000@evil.example/'],
    ['another address of this machine', 'http://127.0.0.2/'],
    ['a relative path', '/done'],
    ['a word', 'done'],
    ['nothing', ''],
  ])('NET-05 names a return_url that is not registered: %s', async (_what, returnUrl) => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).send({ return_url: returnUrl });

    expectProblem(response, 400, 'RETURN_URL_NOT_ALLOWED');
    expect(response.text).not.toContain('evil');
  });

  it.each([
    ['without a key', undefined],
    ['with nothing behind Bearer', 'Bearer '],
    ['with Basic', `Basic ${Buffer.from('user:password').toString('base64')}`],
    ['with a key of another form', 'Bearer secret'],
    ['with half a key', 'Bearer cuff_0123456789abcdef01'],
    ['with a key that does not exist', `Bearer cuff_0123456789abcdef01_${'A'.repeat(43)}`],
    ['with a very long key', `Bearer ${'A'.repeat(8_000)}`],
  ])('comes %s: no call is served, and nothing tells what is wrong with the key', async (_what, authorization) => {
    const body = bodyOf(await application.browser.get('/docs-json').expect(200));
    const { paths } = body as { paths: Record<string, Record<string, object>> };
    const browserPaths = ['/v1/oauth/{provider}/callback', '/v1/links/{link_id}/resume'];
    const isPublic = (path: string) => path.startsWith('/health/') || browserPaths.includes(path);
    const calls = Object.entries(paths)
      .filter(([path]) => !isPublic(path))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ path, method })));
    expect(calls.length).toBeGreaterThanOrEqual(8);
    const details = new Set<string>();

    for (const { path, method } of calls) {
      const url = path.replace('{user_id}', 'bystander').replace('{provider}', 'whoop');
      const call = application.browser[method as 'get' | 'post' | 'delete'](url);
      const response = await (authorization === undefined ? call : call.set('authorization', authorization));
      expectProblem(response, 401, 'API_KEY_INVALID');
      expect(response.headers['www-authenticate']).toBe('Bearer');
      details.add((response.body as { detail: string }).detail);
    }
    expect(details.size).toBe(1);
  });

  it('has its API key in the query', async () => {
    const key = String(application.api.get('/').get('authorization')).replace(/^Bearer /, '');
    expect(key).toMatch(/^cuff_/);
    for (const name of ['access_token', 'api_key', 'authorization']) {
      expectProblem(await application.browser.get(`/v1/providers?${name}=${key}`), 401, 'API_KEY_INVALID');
    }
  });
});

describe('an API key', () => {
  const as = (key: string) => ({ authorization: `Bearer ${key}` });

  it('is refused with another secret, another id, or one letter changed', async () => {
    const [one, two] = [await application.createKey(), await application.createKey()];
    const [, id = '', secret = ''] = one.split(/_(?=[0-9a-f]{18}_)|(?<=_[0-9a-f]{18})_/);
    const before = await takeStock();
    await application.browser.get('/v1/providers').set(as(one)).expect(200);

    for (const key of [
      `cuff_${id}_${two.slice(-43)}`,
      `cuff_${two.slice(5, 23)}_${secret}`,
      `cuff_${id}_${secret.slice(0, -2)}${secret.endsWith('AA') ? 'BB' : 'AA'}`,
      `cuff_${id.toUpperCase()}_${secret}`,
      one.toUpperCase(),
      `${one}A`,
      one.slice(0, -1),
    ]) {
      const response = await application.browser.get('/v1/providers').set(as(key));
      expectProblem(response, 401, 'API_KEY_INVALID');
    }
    expect(await takeStock()).toEqual(before);
  });

  it('is refused at once when it is revoked, although it has just worked', async () => {
    const key = await application.createKey('connections:read');
    await application.browser.get('/v1/users/bystander/connections').set(as(key)).expect(200);

    expect(await application.app.get(ApiKeysService).revoke(key.slice(5, 23))).toBe(true);

    const response = await application.browser.get('/v1/users/bystander/connections').set(as(key));
    expectProblem(response, 401, 'API_KEY_INVALID');
    expect(response.text).not.toContain(key.slice(5, 23));
  });

  const routes: { method: 'get' | 'post' | 'delete'; path: string; scope: AccessScope; body?: object }[] = [
    { method: 'post', path: '/v1/users/scoped/connections/whoop/link', scope: 'links:write' },
    { method: 'get', path: '/v1/users/scoped/connections', scope: 'connections:read' },
    { method: 'get', path: '/v1/users/scoped/connections/whoop', scope: 'connections:read' },
    { method: 'get', path: '/v1/users/scoped/connections/whoop/token', scope: 'tokens:read' },
    {
      method: 'post',
      path: '/v1/users/scoped/connections/whoop/token/rejected',
      scope: 'tokens:read',
      body: { fingerprint: '0'.repeat(64) },
    },
    { method: 'post', path: '/v1/users/scoped/connections/whoop/refresh', scope: 'connections:write' },
    { method: 'delete', path: '/v1/users/scoped/connections/whoop', scope: 'connections:write' },
    { method: 'get', path: '/metrics', scope: 'admin' },
  ];

  it.each(routes)('without the scope $scope may not $method $path', async ({ method, path, scope, body }) => {
    await linkAccount(application, 'scoped', 'whoop');
    const without = await application.createKey(...accessScopes.filter((each) => each !== scope));
    const only = await application.createKey(scope);
    const before = await takeStock();

    const response = await application.browser[method](path).set(as(without));

    expectProblem(response, 403, 'SCOPE_MISSING');
    expect(response.text).toContain(scope);
    expect(await takeStock()).toEqual(before);
    const allowed = await application.browser[method](path).set(as(only)).send(body);
    expect([200, 201]).toContain(allowed.status);
  });

  it('without any scope may list the providers and nothing else', async () => {
    const key = await application.createKey();

    await application.browser.get('/v1/providers').set(as(key)).expect(200);
    for (const { method, path } of routes) {
      expectProblem(await application.browser[method](path).set(as(key)), 403, 'SCOPE_MISSING');
    }
  });
});

describe('a request that only looks wrong', () => {
  it.each([
    ['255 characters of four bytes', '💓'.repeat(255)],
    ['characters that mean something in a URL', 'a/b?c#d%e&f=g+h;i:j@k'],
    ['letters of many alphabets', 'Łucja 李 Ωμέγα عمر'],
    ['what looks like SQL', "'; DROP TABLE connections; --"],
  ])('may have a user_id with %s', async (_what, user) => {
    const encoded = encodeURIComponent(user);
    const id = await linkAccount(application, encoded, 'whoop');

    const body = bodyOf(await application.api.get(`/v1/users/${encoded}/connections/whoop`).expect(200));
    expect(body).toMatchObject({ connection_id: id, user_id: user });
    await application.api.get(`/v1/users/${encoded}/connections/whoop/token`).expect(200);
    await application.api.delete(`/v1/users/${encoded}/connections/whoop`).expect(200);
  });

  it.each([
    ['no body', undefined],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['null in place of each field', '{"return_url":null,"scopes":null}'],
  ])('may start a link with %s', async (_what, body) => {
    const call = application.api.post(`/v1/users/${newUser()}/connections/whoop/link`);
    const link = bodyOf(await (body === undefined ? call : call.type('json').send(body)).expect(201));
    const { link_web_url: url } = link as { link_web_url: string };

    await application.browser.get(pathOf(await consent(url))).expect(200);
  });

  it.each([
    ['other letters in scheme and host', 'HTTPS://APP.EXAMPLE.COM/done'],
    ['the default port', 'https://app.example.com:443/done'],
    ['a step up that leads there', 'https://app.example.com/other/../done'],
    ['ideographic dots', 'https://app。example。com/done'],
  ])('NET-05 may write a registered return_url with %s; the browser goes to the registered one', async (_what, url) => {
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop', { return_url: url });
    const { headers } = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);

    expect(headers['location']).toMatch(/^https:\/\/app\.example\.com\/done\?status=success&/);
  });

  it('NET-05 takes no return_url but the registered ones, however they are altered', () => {
    const config = { returnUrls: [registered, registeredToo], allowLoopbackReturnUrls: false };
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '@',
      '.',
      ':',
      '#',
      '?',
      '%2e',
      '..',
      '\t',
      '\0',
      '。',
      '%00',
      'evil',
      ' ',
    );
    const altered = fc
      .tuple(fc.constantFrom(registered, registeredToo), fc.nat(50), pieces, fc.nat(3))
      .map(([url, at, piece, removed]) => url.slice(0, at) + piece + url.slice(at + removed));
    fc.assert(
      fc.property(fc.oneof(altered, fc.webUrl({ withFragments: true }), fc.string({ unit: 'binary' })), (url) => {
        try {
          expect(config.returnUrls).toContain(checkReturnUrl(url, config));
        } catch (error) {
          expect(error).toMatchObject({ code: 'RETURN_URL_NOT_ALLOWED' });
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('NET-05 in production may not have a return_url on this machine', async () => {
    const { databaseUrl, rootKey, sandbox } = application;
    const production = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      environment: {
        NODE_ENV: 'production',
        ENVIRONMENT_NAME: 'test',
        PUBLIC_URL: 'https://link.example.com',
        RETURN_URLS: registered,
        WHOOP_CLIENT_ID: 'client',
        WHOOP_CLIENT_SECRET: 'secret',
      },
    });
    try {
      const path = `/v1/users/${newUser()}/connections/whoop/link`;
      for (const url of ['http://localhost:3000/', 'http://127.0.0.1/', 'http://localhost/done']) {
        const response = await production.api.post(path).send({ return_url: url });
        expectProblem(response, 400, 'RETURN_URL_NOT_ALLOWED');
        await application.api.post(path).send({ return_url: url }).expect(201);
      }
      await production.api.post(path).send({ return_url: registered }).expect(201);
    } finally {
      await production.close();
    }
  });
});

describe('a provider that is not set up', () => {
  it('cannot be linked, says so in the list, and takes no callbacks', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const { state } = await startLink(application, newUser(), 'whoop');
    const bare = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: { SANDBOX_URL: undefined },
    });
    try {
      const before = await takeStock();
      for (const slug of slugs) {
        const response = await bare.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).send({});
        expectProblem(response, 409, 'PROVIDER_NOT_CONFIGURED');
        const callback = await bare.browser.get(`/v1/oauth/${slug}/callback?state=${createOneTimeSecret()}&code=1`);
        expectProblem(callback, 403, 'AUTHORIZATION_STATE_INVALID');
      }
      expect(await takeStock()).toEqual(before);
      const body = bodyOf(await bare.api.get('/v1/providers').expect(200));
      const { providers } = body as { providers: { configured: boolean; sandbox: boolean }[] };
      expect(providers.filter(({ configured, sandbox: fake }) => configured || fake)).toEqual([]);
      expect(providers.length).toBeGreaterThan(slugs.length);

      // A link started while the provider was set up ends here, without a call to anybody.
      const calls = sandbox.maker('whoop').history.length;
      expectProblem(
        await bare.browser.get(`/v1/oauth/whoop/callback?state=${state}&code=1`),
        403,
        'AUTHORIZATION_STATE_INVALID',
      );
      expect(sandbox.maker('whoop').history).toHaveLength(calls);
      // What was linked before can still be looked at and read.
      await bare.api.get('/v1/users/bystander/connections/whoop').expect(200);
    } finally {
      await bare.close();
    }
  });
});

describe('a callback', () => {
  it.each(['whoop', 'garmin-oauth1'])('from %s with a wrong state is answered and changes nothing', async (slug) => {
    const user = newUser();
    const used = await approvedLink(slug, user);
    await application.browser.get(pathOf(used.callback)).expect(200);
    const late = await approvedLink(slug);
    await queryDatabase(
      application.databaseUrl,
      "UPDATE links SET expires_at = now() - interval '1 second' WHERE state_hash = $1",
      [hashOneTimeSecret(late.state)],
    );
    const forged = new URL(late.callback);
    forged.searchParams.set('state', createOneTimeSecret());
    const missing = new URL(late.callback);
    missing.searchParams.delete('state');
    const before = await takeStock();

    for (const url of [used.callback, late.callback, forged, missing]) {
      const byGet = await application.browser.get(pathOf(url));
      const byPost = await application.browser.post(url.pathname).type('form').send(url.search.slice(1));
      expectProblem(byGet, 403, 'AUTHORIZATION_STATE_INVALID');
      expectProblem(byPost, 403, 'AUTHORIZATION_STATE_INVALID');
    }
    expectProblem(await application.browser.get(`/v1/oauth/${slug}/callback`), 403, 'AUTHORIZATION_STATE_INVALID');
    expectProblem(await application.browser.post(`/v1/oauth/${slug}/callback`), 403, 'AUTHORIZATION_STATE_INVALID');
    expect(await takeStock()).toEqual(before);
  });

  it.each(slugs)('from %s whose user said no changes nothing, and cannot be used for a yes', async (slug) => {
    const { linkWebUrl, state } = await startLink(application, 'bystander', slug);
    const callback = await consent(linkWebUrl, { decision: 'deny' });
    const before = await connectionRows();
    const calls = application.sandbox.maker(slug).history.length;

    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_DENIED');
    const yes = `/v1/oauth/${slug}/callback?state=${state}&code=1`;
    expectProblem(await application.browser.get(yes), 403, 'AUTHORIZATION_STATE_INVALID');

    expect(await connectionRows()).toEqual(before);
    expect(application.sandbox.maker(slug).history).toHaveLength(calls);
  });

  it.each([
    ['access_denied', 403, 'AUTHORIZATION_DENIED'],
    ['server_error', 503, 'PROVIDER_UNAVAILABLE'],
    ['temporarily_unavailable', 503, 'PROVIDER_UNAVAILABLE'],
    ['invalid_request', 500, 'PROVIDER_MISCONFIGURED'],
    ['invalid_scope', 500, 'PROVIDER_MISCONFIGURED'],
    ['unauthorized_client', 500, 'PROVIDER_MISCONFIGURED'],
    ['unsupported_response_type', 500, 'PROVIDER_MISCONFIGURED'],
    ['login_required', 502, 'AUTHORIZATION_FAILED'],
    ['', 502, 'AUTHORIZATION_FAILED'],
    ['__proto__', 502, 'AUTHORIZATION_FAILED'],
  ] as const)('with the error "%s" ends the link with %i %s', async (error, status, code) => {
    for (const slug of ['whoop', 'garmin', 'fitbit', 'oura']) {
      const { state } = await startLink(application, 'bystander', slug);
      const before = await connectionRows();
      const calls = application.sandbox.maker(slug).history.length;
      const path = `/v1/oauth/${slug}/callback?error=${error}&error_description=secret+words&state=${state}`;

      const response = await application.browser.get(path);

      expectProblem(response, status, code);
      expect(response.text).not.toContain('secret words');
      expectProblem(await application.browser.get(path), 403, 'AUTHORIZATION_STATE_INVALID');
      expect(await connectionRows()).toEqual(before);
      expect(application.sandbox.maker(slug).history).toHaveLength(calls);
    }
  });

  it.each([
    ['oauth_problem=user_refused', 403, 'AUTHORIZATION_DENIED'],
    ['denied=token', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_problem=token_expired', 403, 'AUTHORIZATION_STATE_INVALID'],
    ['error=server_error', 403, 'AUTHORIZATION_STATE_INVALID'],
  ] as const)('of OAuth 1.0a with %s ends the link with %i %s', async (parameters, status, code) => {
    for (const slug of ['garmin-oauth1', 'fitbit-oauth1']) {
      const { state } = await startLink(application, 'bystander', slug);
      const before = await connectionRows();
      const calls = application.sandbox.maker(slug).history.length;

      const response = await application.browser.get(`/v1/oauth/${slug}/callback?state=${state}&${parameters}`);

      expectProblem(response, status, code);
      expect(await connectionRows()).toEqual(before);
      expect(application.sandbox.maker(slug).history).toHaveLength(calls);
    }
  });

  it('with what the maker itself says about a scope that it does not have ends the link', async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop', { scopes: ['read:thoughts'] });
    const { headers, body } = await request(linkWebUrl);
    await body.dump();
    const callback = new URL(String(headers['location']));
    expect(callback.searchParams.get('error')).toBe('invalid_scope');

    expectProblem(await application.browser.get(pathOf(callback)), 500, 'PROVIDER_MISCONFIGURED');
  });

  it.each(['code', 'oauth_verifier'])('without a %s ends the link', async (name) => {
    const slug = name === 'code' ? 'whoop' : 'garmin-oauth1';
    const { callback } = await approvedLink(slug);
    callback.searchParams.delete(name);
    const before = await connectionRows();

    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');

    expect(await connectionRows()).toEqual(before);
  });

  it.each(slugs)('with a code or verifier that %s refuses ends the link', async (slug) => {
    const { callback } = await approvedLink(slug);
    callback.searchParams.set(slug.endsWith('oauth1') ? 'oauth_verifier' : 'code', 'made-up');
    const before = await connectionRows();

    const response = await application.browser.get(pathOf(callback));

    expectProblem(response, 403, 'AUTHORIZATION_CODE_REFUSED');
    expect(response.text).not.toContain('made-up');
    expect(await connectionRows()).toEqual(before);
  });
});

describe('a maker that goes wrong when the code is redeemed', () => {
  type Wrong = Misbehaviour extends infer Each
    ? Each extends { endpoint: string }
      ? Omit<Each, 'endpoint'>
      : never
    : never;
  const everywhere: [string, Wrong, number, ErrorCode][] = [
    ['is down', { type: 'drop' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['is down after taking the code', { type: 'drop', processed: true }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers 500', { type: 'status', code: 500 }, 503, 'PROVIDER_UNAVAILABLE'],
    [
      'answers 502 with HTML',
      { type: 'status', code: 502, body: '<html>', contentType: 'text/html' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    ['answers 503', { type: 'status', code: 503 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers 408', { type: 'status', code: 408 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers 429', { type: 'status', code: 429, headers: { 'Retry-After': '7' } }, 503, 'PROVIDER_RATE_LIMITED'],
    ['answers 429 without a time', { type: 'status', code: 429 }, 503, 'PROVIDER_RATE_LIMITED'],
    ['answers 403', { type: 'status', code: 403 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'redirects elsewhere',
      { type: 'redirect', status: 307, location: 'http://127.0.0.1:9/' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    ['answers with too much', { type: 'hugeBody', bytes: 1_000_000 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers with a bomb', { type: 'gzipBomb', bytes: 50_000_000 }, 503, 'PROVIDER_UNAVAILABLE'],
  ];
  const oauth2: [string, Wrong, number, ErrorCode][] = [
    ...everywhere,
    ['refuses the code', { type: 'error', error: 'invalid_grant', status: 400 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'refuses the code and quotes it',
      { type: 'echoSecret', error: 'invalid_grant', status: 400 },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
    ['refuses our client', { type: 'error', error: 'invalid_client', status: 401 }, 500, 'PROVIDER_MISCONFIGURED'],
    [
      'does not allow our client this',
      { type: 'error', error: 'unauthorized_client', status: 400 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['has an outage', { type: 'error', error: 'temporarily_unavailable', status: 400 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers with HTML', { type: 'html' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers with nothing', { type: 'emptyBody' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers 200 with a refusal', { type: 'errorIn200', error: 'invalid_grant' }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'answers 200 with a fault of our client',
      { type: 'errorIn200', error: 'invalid_client' },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['answers 200 with an outage', { type: 'errorIn200', error: 'server_error' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['answers 200 with an error nobody knows', { type: 'errorIn200', error: 'strange' }, 503, 'PROVIDER_UNAVAILABLE'],
    [
      'answers JSON that is no object',
      { type: 'status', code: 200, body: '"token"', contentType: 'application/json' },
      502,
      'TOKEN_RESPONSE_INVALID',
    ],
    [
      'answers an empty object',
      { type: 'status', code: 200, body: '{}', contentType: 'application/json' },
      502,
      'TOKEN_RESPONSE_INVALID',
    ],
    ['gives another kind of token', { type: 'badTokenType' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['gives a token that has expired', { type: 'expiresIn', value: -1 }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['gives a life that is no number', { type: 'expiresIn', value: 'soon' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['gives a life of a thousand years', { type: 'expiresIn', value: 31_536_000_000 }, 502, 'TOKEN_RESPONSE_INVALID'],
  ];
  const oauth1: [string, Wrong, number, ErrorCode][] = [
    ...everywhere,
    [
      'refuses the verifier',
      { type: 'error', error: 'verifier_invalid', status: 401 },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
    ['refuses the token', { type: 'error', error: 'token_rejected', status: 401 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'refuses our client',
      { type: 'error', error: 'consumer_key_unknown', status: 401 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    [
      'refuses our signature',
      { type: 'error', error: 'signature_invalid', status: 401 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['answers with HTML', { type: 'html' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['answers with nothing', { type: 'emptyBody' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['answers 200 with an error', { type: 'errorIn200', error: 'token_rejected' }, 502, 'TOKEN_RESPONSE_INVALID'],
  ];

  async function expectRefusal(slug: string, behaviour: Misbehaviour, status: number, code: ErrorCode): Promise<void> {
    const { callback } = await approvedLink(slug, 'bystander');
    const maker = application.sandbox.maker(slug);
    maker.misbehave(behaviour);
    const before = await connectionRows();
    const calls = maker.history.length;

    const response = await application.browser.get(pathOf(callback));

    expectProblem(response, status, code);
    const withTime = behaviour.type === 'status' && behaviour.headers !== undefined;
    expect(response.headers['retry-after']).toBe(withTime ? '7' : undefined);
    for (const secret of callback.searchParams.values()) {
      expect(response.text).not.toContain(secret);
    }
    expect(maker.history).toHaveLength(calls + 1);
    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');
    expect(maker.history).toHaveLength(calls + 1);
    expect(await connectionRows()).toEqual(before);
    await linkAccount(application, newUser(), slug);
  }

  it.each(oauth2)('OAuth 2.0: it %s', async (_what, wrong, status, code) => {
    await expectRefusal('whoop', { ...wrong, endpoint: 'token' } as Misbehaviour, status, code);
    await expectRefusal('fitbit', { ...wrong, endpoint: 'token' } as Misbehaviour, status, code);
  });

  it.each(oauth1)('OAuth 1.0a: it %s', async (_what, wrong, status, code) => {
    await expectRefusal('garmin-oauth1', { ...wrong, endpoint: 'access_token' } as Misbehaviour, status, code);
  });

  it.each(oauth1.filter(([, , , code]) => code !== 'AUTHORIZATION_CODE_REFUSED'))(
    'OAuth 1.0a, when the link is started: it %s',
    async (_what, wrong, status, code) => {
      const maker = application.sandbox.maker('garmin-oauth1');
      maker.misbehave({ ...wrong, endpoint: 'request_token' } as Misbehaviour);
      const links = await queryDatabase(application.databaseUrl, 'SELECT id FROM links ORDER BY id');
      const calls = maker.history.length;

      const response = await application.api.post('/v1/users/bystander/connections/garmin-oauth1/link').send({});

      expectProblem(response, status, code);
      expect(maker.history).toHaveLength(calls + 1);
      expect(await queryDatabase(application.databaseUrl, 'SELECT id FROM links ORDER BY id')).toEqual(links);
      await linkAccount(application, newUser(), 'garmin-oauth1');
    },
  );

  it.each([
    { slug: 'whoop', lifetimeSeconds: 3_600 },
    { slug: 'garmin', lifetimeSeconds: 86_400 },
    { slug: 'fitbit', lifetimeSeconds: 28_800 },
    { slug: 'oura', lifetimeSeconds: 86_400 },
  ])(
    'takes the documented life of a token of $slug that comes without expires_in',
    async ({ slug, lifetimeSeconds }) => {
      const user = newUser();
      application.sandbox.maker(slug).misbehave({ endpoint: 'token', type: 'omitExpiresIn' });
      const startedAt = application.clock.now().getTime();
      await linkAccount(application, user, slug);

      const body = bodyOf(await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200));

      const lifeMs = new Date((body as { expires_at: string }).expires_at).getTime() - startedAt;
      expect(Math.abs(lifeMs - lifetimeSeconds * 1_000)).toBeLessThan(30_000);
    },
  );

  it.each<[string, Misbehaviour]>([
    ['drops the connection', { endpoint: 'account', type: 'drop' }],
    ['answers 500', { endpoint: 'account', type: 'status', code: 500 }],
    ['answers with HTML', { endpoint: 'account', type: 'html' }],
    ['refuses', { endpoint: 'account', type: 'error', error: 'invalid_token', status: 403 }],
  ])('keeps the grant when the maker only %s to tell the account', async (_what, behaviour) => {
    for (const slug of ['whoop', 'garmin-oauth1']) {
      const user = newUser();
      application.sandbox.maker(slug).misbehave(behaviour);
      await linkAccount(application, user, slug);

      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    }
  });
});

describe('a lost database', () => {
  let proxy: TcpProxy;
  let behind: TestApplication;
  let directUrl: string;
  beforeAll(async () => {
    directUrl = await createTestDatabase();
    proxy = await TcpProxy.start(directUrl);
    behind = await startApplication({ databaseUrl: proxy.through(directUrl) });
  });
  afterEach(() => proxy.mend());
  afterAll(async () => {
    await behind.close();
    await proxy.stop();
  });

  const rows = async () => ({
    connections: await queryDatabase(directUrl, 'SELECT to_jsonb(c) AS row FROM connections c ORDER BY id'),
    links: await queryDatabase(directUrl, 'SELECT to_jsonb(l) AS row FROM links l ORDER BY id'),
  });

  it('is answered with 503 on every call, changes nothing, asks no maker, and is over when it is back', async () => {
    await linkAccount(behind, 'anna', 'whoop');
    const { linkWebUrl } = await startLink(behind, 'ben', 'whoop');
    const callback = await consent(linkWebUrl);
    const before = await rows();
    const calls = behind.sandbox.maker('whoop').history.length;
    proxy.cut();

    const anna = '/v1/users/anna/connections';
    for (const call of [
      behind.browser.get('/health/ready'),
      behind.api.post(`${anna}/whoop/link`).send({}),
      behind.api.get(anna),
      behind.api.get(`${anna}/whoop`),
      behind.api.get(`${anna}/whoop/token`),
      behind.api.post(`${anna}/whoop/refresh`),
      behind.api.delete(`${anna}/whoop`),
      behind.browser.get(pathOf(callback)),
      behind.browser.get('/v1/providers').set('authorization', `Bearer cuff_0123456789abcdef01_${'A'.repeat(43)}`),
    ]) {
      const response = await call;
      expectProblem(response, 503, 'DATABASE_UNAVAILABLE');
      expect(response.headers['retry-after']).toBe('5');
      expect(response.text).not.toMatch(/postgres|ECONN|127\.0\.0\.1/i);
    }
    await behind.browser.get('/health/live').expect(200);
    expect(behind.sandbox.maker('whoop').history).toHaveLength(calls);
    expect(await rows()).toEqual(before);

    proxy.mend();
    await behind.browser.get('/health/ready').expect(200);
    await behind.api.get(`${anna}/whoop/token`).expect(200);
    await behind.browser.get(pathOf(callback)).expect(200);
    await behind.api.get('/v1/users/ben/connections/whoop').expect(200);
  });

  it('between the maker and the row is answered with 503; the link has ended, and a new one works', async () => {
    const { linkWebUrl } = await startLink(behind, 'cleo', 'whoop');
    const callback = await consent(linkWebUrl);
    const maker = behind.sandbox.maker('whoop');
    const { connections: before } = await rows();
    const seen = maker.history.length;
    maker.misbehave({ endpoint: 'token', type: 'slow', ms: 300 });

    const answered = behind.browser.get(pathOf(callback)).then((response) => response);
    while (maker.history.length === seen) {
      await new Promise(setImmediate);
    }
    proxy.cut();
    expectProblem(await answered, 503, 'DATABASE_UNAVAILABLE');
    proxy.mend();

    expect((await rows()).connections).toEqual(before);
    expectProblem(await behind.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');
    await linkAccount(behind, 'cleo', 'whoop');
  });
});

describe('a wrong key', () => {
  it.each([
    ['the key id', 'set_byte(sealed, 5, 255 - get_byte(sealed, 5))'],
    ['the salt', 'set_byte(sealed, 30, 255 - get_byte(sealed, 30))'],
    ['the commitment', 'set_byte(sealed, 60, 255 - get_byte(sealed, 60))'],
    ['the initialisation vector', 'set_byte(sealed, 90, 255 - get_byte(sealed, 90))'],
    ['the ciphertext', 'set_byte(sealed, 100, get_byte(sealed, 100) # 1)'],
    ['the tag', 'set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)'],
    ['the version', 'set_byte(sealed, 2, 9)'],
    ['its end', 'substring(sealed FROM 1 FOR length(sealed) - 4)'],
    ['everything', "'\\x'::bytea"],
    ['its row', "(SELECT sealed FROM connections WHERE user_id = 'bystander' AND provider = 'whoop')"],
  ])('CR-02 CR-03 is what a row with %s altered looks like; its connection stays as it is', async (_what, altered) => {
    const user = newUser();
    const id = await linkAccount(application, user, 'whoop');
    const base = `/v1/users/${user}/connections/whoop`;
    const before = bodyOf(await application.api.get(base).expect(200)) as object;
    await queryDatabase(application.databaseUrl, `UPDATE connections SET sealed = ${altered} WHERE id = $1`, [id]);
    const calls = application.sandbox.maker('whoop').history.length;
    const tokens =
      'SELECT user_id, status, secret_gen, sealed, claim_id, attempt_started_at FROM connections ORDER BY id';
    const rows = await queryDatabase(application.databaseUrl, tokens);

    expectProblem(await application.api.get(`${base}/token`), 500, 'TOKEN_UNREADABLE');
    expectProblem(await application.api.post(`${base}/refresh`), 500, 'TOKEN_UNREADABLE');

    const after = bodyOf(await application.api.get(base).expect(200));
    expect(after).toEqual({ ...before, last_error: { code: 'TOKEN_UNREADABLE', at: expect.any(String) } });
    expect(after).toMatchObject({ status: 'active', needs_relink: false });
    expect(await queryDatabase(application.databaseUrl, tokens)).toEqual(rows);
    expect(application.sandbox.maker('whoop').history).toHaveLength(calls);
    // A new link mends it.
    expect(await linkAccount(application, user, 'whoop')).toBe(id);
    await application.api.get(`${base}/token`).expect(200);
  });

  it('CR-02 is what a link with altered secrets looks like; the maker is not asked', async () => {
    for (const slug of ['garmin', 'garmin-oauth1']) {
      const { user, state, callback } = await approvedLink(slug);
      const calls = application.sandbox.maker(slug).history.length;
      await queryDatabase(
        application.databaseUrl,
        'UPDATE links SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) WHERE state_hash = $1',
        [hashOneTimeSecret(state)],
      );

      expectProblem(await application.browser.get(pathOf(callback)), 500, 'TOKEN_UNREADABLE');

      expect(application.sandbox.maker(slug).history).toHaveLength(calls);
      await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
    }
  });

  // The last test: a boot that fails leaves the test logger in charge, which prints.
  it('CR-10 stops the boot and names ENCRYPTION_ROOT_KEY; nothing is changed, and the right key still works', async () => {
    const { sandbox, clock } = application;
    const right = await startApplication({ sandbox, clock });
    const { databaseUrl, rootKey } = right;
    await linkAccount(right, 'anna', 'whoop');
    await right.close();
    const dump = () =>
      queryDatabase(
        databaseUrl,
        `SELECT (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM connections c) AS connections,
                (SELECT jsonb_agg(to_jsonb(k) ORDER BY kid) FROM vault_keys k) AS "vaultKeys",
                (SELECT jsonb_agg(to_jsonb(k) - 'last_used_at' ORDER BY id) FROM api_keys k) AS "apiKeys"`,
      );
    const before = await dump();

    await expect(startApplication({ databaseUrl, sandbox, clock })).rejects.toThrow(
      /^ENCRYPTION_ROOT_KEY .*not the one this database was set up with/,
    );

    expect(await dump()).toEqual(before);
    // The boot that failed leaves its connections open.
    await queryDatabase(
      databaseUrl,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    const again = await startApplication({ databaseUrl, rootKey, sandbox, clock });
    try {
      await again.api.get('/v1/users/anna/connections/whoop/token').expect(200);
    } finally {
      await again.close();
    }
  });
});
