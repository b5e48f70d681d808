import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { accessScopes, type AccessScope } from '../../src/access/scopes.js';
import { createOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount, newUser } from '../support/linking.js';
import { endMisbehavior } from '../support/fake-providers.js';
import { bodyOf, expectProblem } from '../support/problems.js';
import { linkBystander, readUntouchedRows } from '../support/untouched-rows.js';

const registered = 'https://app.example.com/done';
const registeredToo = 'https://app.example.com:8443/devices?tab=health';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: `${registered},${registeredToo}` } });
  await linkBystander(application);
});
afterEach(() => endMisbehavior(application));
afterAll(() => application.close());

describe('a request that is wrong in itself', () => {
  let before: unknown;
  beforeEach(async () => {
    before = await readUntouchedRows(application);
  });
  afterEach(async () => {
    expect(await readUntouchedRows(application)).toEqual(before);
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
    ['51 scopes', { scopes: Array.from({ length: 51 }, (_, index) => `scope${index}`) }],
    ['a list as body', []],
    ['a list with a body in it', [{ return_url: registered }]],
  ])('has a body with %s', async (_what, body) => {
    const response = await application.api.post(`/v1/users/${newUser()}/connections/whoop/link`).send(body);

    expectProblem(response, 400, 'REQUEST_INVALID');
  });

  it.each([
    ['JSON that ends too early', 400, 'application/json', '{"scopes":'],
    ['text that is not JSON', 400, 'application/json', 'scopes=offline'],
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
    ['more than 64 KiB', 413, 'application/json', `{"return_url":"${'x'.repeat(65_536)}"}`],
  ])('has as body %s', async (_what, status, type, body) => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).set('content-type', type).send(body);

    expectProblem(response, status, 'REQUEST_INVALID');
  });

  it('has a body of more than 4 KiB where no list and no metadata are expected', async () => {
    const response = await application.api.post('/v1/webhook-endpoints').send({ url: 'x'.repeat(4_096) });
    expectProblem(response, 413, 'REQUEST_INVALID');
  });

  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v2/providers'],
    ['GET', '//v1/providers'],
    ['GET', '/v1/providers/whoop'],
  ] as const)('asks for %s %s, which does not exist', async (_method, path) => {
    expectProblem(await application.api.get(path), 404, 'ROUTE_NOT_FOUND');
  });

  it.each([
    ['PUT', '/v1/users/bystander/connections/whoop', 'GET, DELETE'],
    ['PATCH', '/v1/users/bystander/connections/whoop/token', 'GET'],
    ['POST', '/v1/users/bystander/connections/whoop/token', 'GET'],
    ['GET', '/v1/users/bystander/connections/whoop/link', 'POST'],
    ['DELETE', '/v1/oauth/whoop/callback', 'GET, POST'],
    ['PUT', '/v1/oauth/whoop/callback', 'GET, POST'],
  ] as const)('asks for %s %s, whose path supports %s only', async (method, path, allow) => {
    const verb = method.toLowerCase() as 'get' | 'put' | 'patch' | 'post' | 'delete';

    const response = await application.api[verb](path);

    expectProblem(response, 405, 'REQUEST_INVALID');
    expect(response.headers['allow']).toBe(allow);
  });

  it.each(['application/xml', 'multipart/form-data; boundary=x', 'application/json', 'text/plain'])(
    'sends a body as %s to an unknown path',
    async (type) => {
      const response = await application.api.post('/v1/nothing').set('content-type', type).send('{}');

      expectProblem(response, 404, 'ROUTE_NOT_FOUND');
    },
  );

  it.each([
    ['a percent sign without digits', 400, '/v1/users/%zz/connections'],
    ['a cut-off escape', 400, '/v1/users/user%/connections'],
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
  ])('names a return_url that is not registered: %s (NET-05)', async (_what, returnUrl) => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).send({ return_url: returnUrl });

    expectProblem(response, 400, 'RETURN_URL_NOT_ALLOWED');
    expect(response.text).not.toContain('evil');
  });

  it.each([
    ['JSON that ends early', 'application/json', '{"return_url', 400, /^The body .* not valid JSON/],
    ['a form', 'application/x-www-form-urlencoded', 'return_url=x', 400, /must be a JSON object/],
    ['a list', 'application/json', '[]', 400, /must be a JSON object/],
    ['XML', 'application/xml', '<a/>', 415, /Send JSON/],
    [
      '70 KB',
      'application/json',
      JSON.stringify({ a: 'a'.repeat(70_000) }),
      413,
      'The body is too large. Send a smaller one.',
    ],
    [
      'a field that is not known',
      'application/json',
      '{"returnUrl":"x"}',
      400,
      'returnUrl is not a field of this call.',
    ],
  ])('has %s for a body, and is told so', async (_what, type, body, status, detail) => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).set('content-type', type).send(body);

    expectProblem(response, status, 'REQUEST_INVALID');
    expect((response.body as { detail: string }).detail).toEqual(
      typeof detail === 'string' ? detail : expect.stringMatching(detail),
    );
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
    const isPublic = (path: string) =>
      path.startsWith('/health/') || path.startsWith('/v1/hooks/') || browserPaths.includes(path);
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
    const before = await readUntouchedRows(application);
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
    expect(await readUntouchedRows(application)).toEqual(before);
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
    { method: 'get', path: '/metrics', scope: 'metrics:read' },
    { method: 'get', path: '/v1/audit', scope: 'audit:read' },
  ];

  it.each(routes)('without the scope $scope may not $method $path', async ({ method, path, scope, body }) => {
    await linkAccount(application, 'scoped', 'whoop');
    const without = await application.createKey(...accessScopes.filter((each) => each !== scope && each !== 'admin'));
    const only = await application.createKey(scope);
    const before = await readUntouchedRows(application);

    const response = await application.browser[method](path).set(as(without));

    expectProblem(response, 403, 'SCOPE_MISSING');
    expect(response.text).toContain(scope);
    expect(await readUntouchedRows(application)).toEqual(before);
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
