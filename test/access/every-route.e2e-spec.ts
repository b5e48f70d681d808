import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApiKey, formatApiKey } from '../../src/access/api-key.js';
import { securityHeaders } from '../../src/http/security-headers.js';
import { startApplication, type Route, type TestApplication } from '../support/application.js';
import { CompanyLogin } from '../support/company-login.js';
import { linkAccount } from '../support/linking.js';
import { request } from '../../src/sandbox/testing/request.js';

/**
 * Routes that anybody can call. Every other route of the server must ask for credentials.
 * Written down here apart from the code, on purpose.
 */
const open = [
  '/health/live',
  '/health/ready',
  '/v1/oauth/:provider/callback',
  '/v1/links/:link_id/resume',
  '/v1/hooks/:provider',
  '/v1/hooks/:provider/:path_secret',
  '/connect',
  '/connect/start',
  '/connect/disconnect',
  '/connect/logo',
  '/console',
  '/console/connection',
  '/console/connections',
  '/console/console.js',
  '/console/refreshes',
  '/console/sign-in',
  '/console/sign-out',
  '/console/system',
  '/console/users',
  '/console/webhooks',
  '/console/webhooks/resend',
  '/docs',
  '/docs/',
  '/docs-json',
  '/docs-yaml',
  '/docs/start.js',
  '/docs/favicon-32x32.png',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
];

/** Routes whose query is not ours, comes with a browser that must not be stranded, or names a version of a document. */
const anyQuery = [
  '/v1/oauth/:provider/callback',
  '/v1/links/:link_id/resume',
  '/v1/hooks/:provider',
  '/v1/hooks/:provider/:path_secret',
  '/connect',
  '/connect/start',
  '/connect/disconnect',
  '/connect/logo',
  '/v1/users/:user_id/connections/:provider/proxy/*',
];
const isDocument = (path: string): boolean => path.startsWith('/docs');

/** Routes that an address may call as often as it likes: they look nothing up, or once a second. */
const uncounted = ['/health/live', '/health/ready'];

/** Routes that respond to `HEAD`, as `GET` and without side effects. */
const headToo = ['/health/live', '/health/ready', ...anyQuery];

describe('every route of the server', () => {
  let login: CompanyLogin;
  let application: TestApplication;
  let url: string;
  let key: string;
  let routes: readonly Route[];

  beforeAll(async () => {
    login = await CompanyLogin.start();
    application = await startApplication({
      environment: { ...login.environment, CORS_ORIGINS: 'https://app.example.com' },
    });
    await linkAccount(application, 'user-1', 'whoop');
    url = await application.app.getUrl();
    key = String(application.api.get('/').get('authorization'));
    // The route of preflights is Nest's own, and matches every path.
    routes = application.routes.filter(({ path }) => path !== '*');
  });
  afterAll(async () => {
    await application.close();
    await login.stop();
  });

  it('is one that this test knows (TE-08)', () => {
    const paths = new Set(routes.map(({ path }) => path));
    expect([...paths].filter((path) => open.includes(path) || path.startsWith('/docs')).sort()).toEqual(open.sort());
    expect(paths.size).toBeGreaterThan(25);
  });

  it('needs credentials, unless it is public (TE-08)', async () => {
    const wrong: string[] = [];
    for (const route of routes) {
      const { status } = await send(route);
      if (!open.includes(route.path) && status !== 401) {
        wrong.push(`${route.method} ${route.path}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('sends the security headers (NET-03)', async () => {
    const names = Object.keys(securityHeaders(false));
    for (const route of [...routes, { method: 'GET', path: '/nothing' }, { method: 'GET', path: '/%' }]) {
      const { headers } = await send(route);
      expect(names.filter((name) => headers[name] === undefined)).toEqual([]);
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  it.each(['x=1', 'scope[]=nope', 'scopes=nope', 'scope%5Ba%5D=b', 'SCOPE=nope', 'constructor=1', '__proto__=1'])(
    'refuses a query with %s, unless the query is not ours (TE-17)',
    async (query) => {
      const wrong: string[] = [];
      for (const route of routes.filter(({ method, path }) => method !== 'HEAD' && !isDocument(path))) {
        const { status, text } = await send(route, key, `?${query}`);
        const isRefused = status === 400 && text.includes('The query has a parameter');
        if (isRefused === anyQuery.includes(route.path)) {
          wrong.push(`${route.method} ${route.path}: ${status} ${text.slice(0, 200)}`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  it('responds to a method that a path does not support with 405 and the ones that it supports (TE-17)', async () => {
    const wrong: string[] = [];
    for (const path of new Set(routes.map((route) => route.path))) {
      const supported = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) =>
        routes.some((route) => route.path === path && route.method === method),
      );
      for (const method of ['PUT', 'PATCH', 'DELETE'].filter((each) => !supported.includes(each))) {
        const { status, headers, text } = await send({ method, path }, key);
        // The hosted page responds with a page, which has the code in a header.
        const isNamed = text.includes('REQUEST_INVALID') || headers['cufflink-error'] === 'REQUEST_INVALID';
        if (status !== 405 || headers['allow'] !== supported.join(', ') || !isNamed) {
          wrong.push(`${method} ${path}: ${status} ${String(headers['allow'])}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    await expect(send({ method: 'PUT', path: '/nothing' }, key)).resolves.toMatchObject({ status: 404 });
  });

  it('responds to HEAD with 405 where GET would do work that nobody sees (TE-17)', async () => {
    const wrong: string[] = [];
    for (const route of routes.filter(({ method }) => method === 'HEAD')) {
      const { status, headers } = await send(route, key);
      const isRefused = status === 405 && headers['allow'] === 'GET';
      if (isRefused === (headToo.includes(route.path) || isDocument(route.path))) {
        wrong.push(`${route.path}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  async function send({ method, path }: Route, authorization?: string, query = '') {
    const parameters = { user_id: 'user-1', provider: 'whoop', link_id: '00000000-0000-4000-8000-000000000000' };
    const named = path.replace(/:(\w+)/g, (_, name: keyof typeof parameters) => parameters[name]).replace('*', 'cycle');
    const headers = authorization === undefined ? {} : { authorization };
    const response = await request(`${url}${named}${query}`, { method: method as 'GET', headers });
    return {
      status: response.statusCode,
      headers: response.headers as Record<string, string | undefined>,
      text: await response.body.text(),
    };
  }
});

describe('an address that is over its limit', () => {
  let limited: TestApplication;
  let send: (route: Route, headers?: Readonly<Record<string, string>>) => Promise<number>;

  beforeAll(async () => {
    limited = await startApplication({
      environment: { RATE_LIMIT_ADDRESS_PER_MINUTE: '1', RATE_LIMIT_HOOK_PER_MINUTE: '1' },
    });
    const url = await limited.app.getUrl();
    send = async ({ method, path }, headers = {}) => {
      const named = path.replace(/:(\w+)/g, 'whoop').replace('*', 'cycle');
      const response = await request(`${url}${named}`, { method: method as 'GET', headers });
      await response.body.dump();
      return response.statusCode;
    };
    // Pages and calls without known credentials are counted apart.
    for (const path of ['/connect', '/connect', '/v1/hooks/a', '/v1/hooks/a', '/v1/providers', '/v1/providers']) {
      await send({ method: 'GET', path });
    }
  });
  afterAll(() => limited.close());

  it('gets 429 from every route, and from paths that do not exist (AR-25)', async () => {
    const absent = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE'].flatMap((method) =>
      ['/', '/nothing', '/v1/nothing', '/docs/nothing'].map((path) => ({ method, path })),
    );
    const wrong: string[] = [];
    for (const route of [...limited.routes, ...absent]) {
      for (const headers of [
        {},
        { authorization: 'Bearer made-up' },
        { authorization: `Bearer ${formatApiKey(createApiKey())}` },
      ]) {
        const status = await send(route, headers);
        if ((status === 429) === uncounted.includes(route.path)) {
          wrong.push(`${route.method} ${route.path}: ${status}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(limited.routes.length).toBeGreaterThan(40);
  });
});

describe('the API description', () => {
  const documents = open.filter((path) => path.startsWith('/docs'));
  let here: TestApplication;
  beforeAll(async () => {
    here = await startApplication();
  });
  afterAll(() => here.close());

  it('is not sent again to a client that has it', async () => {
    for (const path of documents) {
      const first = await here.browser.get(path).expect(200);
      const etag = String(first.headers['etag']);
      expect(etag).toMatch(/^"[\w-]{43}"$/);
      const again = await here.browser.get(path).set('if-none-match', `"other", W/${etag}`).expect(304);
      expect(again.headers['etag']).toBe(etag);
      await here.browser.get(path).set('if-none-match', '"other"').expect(200);
    }
  });

  it.each([
    ['production', { API_DOCS: undefined }, false],
    ['production with API_DOCS=on', { API_DOCS: 'on' }, true],
  ])('in %s is there for everybody only where that was requested', async (_what, setting, isThere) => {
    const { databaseUrl, rootKey } = here;
    const application = await startApplication({ environment: { ...production, ...setting }, databaseUrl, rootKey });
    try {
      for (const path of documents) {
        await application.browser.get(path).expect(isThere ? 200 : 404);
      }
    } finally {
      await application.close();
    }
  });

  it('is switched off by API_DOCS=off anywhere', async () => {
    const { databaseUrl, rootKey } = here;
    const application = await startApplication({ environment: { API_DOCS: 'off' }, databaseUrl, rootKey });
    try {
      await application.browser.get('/docs').expect(404);
    } finally {
      await application.close();
    }
  });

  const production = {
    NODE_ENV: 'production',
    ENVIRONMENT_NAME: 'test',
    PUBLIC_URL: 'https://link.example.com',
    SANDBOX_URL: undefined,
  };
});
