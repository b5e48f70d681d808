import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { accessScopes, type AccessScope } from '../../src/access/scopes.js';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { configureApplication, createAdapter } from '../../src/http/application.js';
import { WorkerModule } from '../../src/worker.module.js';
import { setEnvironment, startApplication, type TestApplication } from '../support/application.js';
import { CompanyLogin } from '../support/company-login.js';
import { linkAccount } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

/** The callers that a call allows. They stand here a second time, apart from the code, on purpose. */
type Access =
  | 'anyone'
  /** Any valid key, and any user. */
  | 'any caller'
  | {
      readonly scope: AccessScope;
      /** Whether the user whom the path names may call with a token of the company. */
      readonly user?: true;
      /** Whether a key that is limited to providers may call although the path names none. */
      readonly filtered?: true;
      /** Whether a key with `admin` may call too. */
      readonly admin?: true;
    };

const expected: Readonly<Record<string, Access>> = {
  'GET /v1/providers': 'any caller',
  'GET /v1/users/:user_id/connections': { scope: 'connections:read', user: true, filtered: true },
  'GET /v1/users/:user_id/connections/:provider': { scope: 'connections:read', user: true },
  'DELETE /v1/users/:user_id/connections/:provider': { scope: 'connections:write', user: true },
  'POST /v1/users/:user_id/connections/:provider/link': { scope: 'links:write', user: true },
  'GET /v1/users/:user_id/connections/:provider/token': { scope: 'tokens:read' },
  'POST /v1/users/:user_id/connections/:provider/token/rejected': { scope: 'tokens:read' },
  'GET /v1/users/:user_id/connections/:provider/proxy/*': { scope: 'tokens:sign' },
  'POST /v1/users/:user_id/connections/:provider/proxy/*': { scope: 'tokens:sign' },
  'PUT /v1/users/:user_id/connections/:provider/proxy/*': { scope: 'tokens:sign' },
  'PATCH /v1/users/:user_id/connections/:provider/proxy/*': { scope: 'tokens:sign' },
  'DELETE /v1/users/:user_id/connections/:provider/proxy/*': { scope: 'tokens:sign' },
  'POST /v1/users/:user_id/connections/:provider/sign': { scope: 'tokens:sign' },
  'POST /v1/users/:user_id/connections/:provider/refresh': { scope: 'connections:write' },
  'DELETE /v1/users/:user_id': { scope: 'connections:write' },
  'GET /v1/users/:user_id/export': { scope: 'connections:read' },
  'POST /v1/webhook-endpoints': { scope: 'webhooks:write' },
  'GET /v1/webhook-endpoints': { scope: 'webhooks:write' },
  'GET /v1/webhook-endpoints/:endpoint_id': { scope: 'webhooks:write' },
  'PATCH /v1/webhook-endpoints/:endpoint_id': { scope: 'webhooks:write' },
  'DELETE /v1/webhook-endpoints/:endpoint_id': { scope: 'webhooks:write' },
  'POST /v1/webhook-endpoints/:endpoint_id/rotate-secret': { scope: 'webhooks:write' },
  'GET /v1/webhook-endpoints/:endpoint_id/attempts': { scope: 'webhooks:write' },
  'POST /v1/webhook-endpoints/:endpoint_id/resend': { scope: 'webhooks:write' },
  'POST /v1/webhook-endpoints/:endpoint_id/resend-failed': { scope: 'webhooks:write' },
  'POST /v1/webhook-endpoints/:endpoint_id/test': { scope: 'webhooks:write' },
  'GET /v1/connections': { scope: 'fleet:read', filtered: true },
  'GET /v1/connections/stats': { scope: 'fleet:read', filtered: true },
  'GET /v1/events': { scope: 'events:read', filtered: true },
  'POST /v1/links/:link_id/confirm': { scope: 'links:write', filtered: true },
  'POST /v1/imports': { scope: 'connections:import', filtered: true },
  'POST /v1/link-sessions': { scope: 'links:write', filtered: true },
  'GET /metrics': { scope: 'metrics:read', admin: true },
  'GET /v1/audit': { scope: 'audit:read', admin: true },
  'GET /health/live': 'anyone',
  'GET /health/ready': 'anyone',
  'GET /v1/oauth/:provider/callback': 'anyone',
  'POST /v1/oauth/:provider/callback': 'anyone',
  'GET /v1/links/:link_id/resume': 'anyone',
  'GET /v1/hooks/:provider': 'anyone',
  'POST /v1/hooks/:provider': 'anyone',
  'GET /v1/hooks/:provider/:path_secret': 'anyone',
  'POST /v1/hooks/:provider/:path_secret': 'anyone',
  'GET /connect': 'anyone',
  'POST /connect': 'anyone',
  'POST /connect/start': 'anyone',
  'GET /connect/disconnect': 'anyone',
  'POST /connect/disconnect': 'anyone',
  'GET /connect/logo': 'anyone',
  // Pages for browsers: a session of the console decides, not a key. See test/browser/console.e2e-spec.ts.
  'GET /console': 'anyone',
  'GET /console/connection': 'anyone',
  'GET /console/connections': 'anyone',
  'GET /console/console.js': 'anyone',
  'GET /console/refreshes': 'anyone',
  'GET /console/sign-in': 'anyone',
  'POST /console/sign-in': 'anyone',
  'POST /console/sign-out': 'anyone',
  'GET /console/system': 'anyone',
  'GET /console/users': 'anyone',
  'GET /console/webhooks': 'anyone',
  'POST /console/webhooks/resend': 'anyone',
};

/** Routes of the documentation, whose number is the library's affair: open to anyone. */
const isDocumentation = (path: string): boolean => /^\/docs([/-]|$)/.test(path);

/** The responses of the guard. After any other response the call was let through. */
const refusals = ['API_KEY_INVALID', 'USER_TOKEN_INVALID', 'SCOPE_MISSING', 'ACCESS_DENIED'];

interface Caller {
  readonly name: string;
  /** Text behind `Bearer`; no header without it. */
  readonly credentials?: string;
  /** The outcome of a call by this caller: a code of {@link refusals}, or `let through`. */
  readonly outcome: (access: Exclude<Access, 'anyone'>, path: string) => string;
}

describe('every route and every kind of caller (TE-08)', () => {
  let login: CompanyLogin;
  let application: TestApplication;
  let callers: Caller[];

  beforeAll(async () => {
    login = await CompanyLogin.start();
    application = await startApplication({ environment: login.environment });
    await linkAccount(application, 'user-1', 'whoop');
    const apiKeys = application.app.get(ApiKeysService);
    const revoked = await apiKeys.create('revoked', accessScopes);
    await apiKeys.revoke(revoked.slice(5, 23));
    const stranger = (name: string, credentials?: string, code = 'API_KEY_INVALID'): Caller => ({
      name,
      ...(credentials === undefined ? {} : { credentials }),
      outcome: () => code,
    });
    const user = (name: string, credentials: string, isOwn: boolean): Caller => ({
      name,
      credentials,
      outcome: (access) =>
        access === 'any caller' || (access.user === true && isOwn) ? 'let through' : 'ACCESS_DENIED',
    });
    const limited = (name: string, credentials: string, provider: string): Caller => ({
      name,
      credentials,
      outcome: (access, path) => {
        const named = path.includes(':provider') ? provider === 'whoop' : access === 'any caller' || access.filtered;
        return named === true ? 'let through' : 'ACCESS_DENIED';
      },
    });
    const withScope = async (scope: AccessScope): Promise<Caller> => ({
      name: `a key with ${scope}`,
      credentials: await apiKeys.create(scope, [scope]),
      outcome: (access) =>
        access === 'any caller' || access.scope === scope || (scope === 'admin' && access.admin === true)
          ? 'let through'
          : 'SCOPE_MISSING',
    });
    const forged = (await login.tokenFor('user-1')).replace(/\.[^.]+$/, `.${'A'.repeat(86)}`);
    callers = [
      stranger('nobody'),
      stranger('a malformed key', 'cuff_1_2'),
      stranger('an unknown key', `cuff_${'0'.repeat(18)}_${'a'.repeat(43)}`),
      stranger('a revoked key', revoked),
      stranger('an expired key', await apiKeys.create('expired', accessScopes, { lifetimeMs: 0 })),
      stranger('an expired user token', await login.tokenFor('user-1', -60), 'USER_TOKEN_INVALID'),
      stranger('a forged user token', forged, 'USER_TOKEN_INVALID'),
      ...(await Promise.all(accessScopes.map(withScope))),
      {
        name: 'a key with every scope',
        credentials: await apiKeys.create('all', accessScopes),
        outcome: () => 'let through',
      },
      limited(
        'a key for this provider',
        await apiKeys.create('whoop', accessScopes, { providers: ['whoop'] }),
        'whoop',
      ),
      limited(
        'a key for another provider',
        await apiKeys.create('oura', accessScopes, { providers: ['oura'] }),
        'oura',
      ),
      limited('a key for no provider', await apiKeys.create('none', accessScopes, { providers: [] }), 'none'),
      user('this user', await login.tokenFor('user-1'), true),
      user('another user', await login.tokenFor('user-2'), false),
    ];
  });
  afterAll(async () => {
    await application.close();
    await login.stop();
  });

  it('have an expectation here: each route that the server has, and no other (TE-08)', () => {
    // A route of GET has one of HEAD; that is tried below.
    const withHead = Object.keys(expected).flatMap((route) =>
      route.startsWith('GET ') ? [route, route.replace('GET', 'HEAD')] : [route],
    );
    const routes = application.routes.filter(({ path }) => !isDocumentation(path));
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(names)].sort()).toEqual(withHead.sort());
    const documentation = application.routes.filter(({ path }) => isDocumentation(path));
    expect(documentation.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  it.each(Object.entries(expected))('%s admits the right callers, and nobody else', async (route, access) => {
    const deniedBefore = await countDenials();
    let denied = 0;
    const wrong: string[] = [];
    for (const caller of callers) {
      const outcome = access === 'anyone' ? 'let through' : caller.outcome(access, route);
      denied += ['SCOPE_MISSING', 'ACCESS_DENIED'].includes(outcome) ? 1 : 0;
      const seen = await call(route, caller);
      if (seen !== outcome) {
        wrong.push(`${caller.name}: ${seen} instead of ${outcome}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(await countDenials()).toBe(deniedBefore + denied);
  });

  it.each(Object.entries(expected).filter(([route]) => route.startsWith('GET')))(
    'HEAD instead of %s opens nothing to anybody (TE-08)',
    async (route, access) => {
      const wrong: string[] = [];
      for (const caller of callers) {
        const outcome = access === 'anyone' ? 'let through' : caller.outcome(access, route);
        const status = await callHead(route, caller);
        const refused = outcome === 'API_KEY_INVALID' || outcome === 'USER_TOKEN_INVALID' ? 401 : 403;
        if (outcome !== 'let through' && ![refused, 404, 405].includes(status)) {
          wrong.push(`${caller.name}: ${status} instead of ${refused}`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  function pathOf(route: string): string {
    const parameters = {
      user_id: 'user-1',
      provider: 'whoop',
      link_id: '00000000-0000-4000-8000-000000000000',
      endpoint_id: '00000000-0000-4000-8000-000000000000',
    };
    return (route.split(' ')[1] ?? '').replace(/:(\w+)/g, (_, name: keyof typeof parameters) => parameters[name]);
  }

  /** Makes a call; tells the code of the guard, or that it was let through. */
  async function call(route: string, { credentials }: Caller): Promise<string> {
    const method = route.split(' ')[0] as 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    const headers = {
      ...(credentials === undefined ? {} : { authorization: `Bearer ${credentials}` }),
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    };
    const sent = method === 'POST' ? { body: '{}' } : {};
    const response = await request(`${await application.app.getUrl()}${pathOf(route)}`, { method, headers, ...sent });
    const text = await response.body.text();
    const code = refusals.find((each) => text.includes(`"code":"${each}"`));
    // The audit trail tells of refusals too.
    return response.statusCode === 200 ? 'let through' : (code ?? 'let through');
  }

  async function callHead(route: string, { credentials }: Caller): Promise<number> {
    const headers = credentials === undefined ? {} : { authorization: `Bearer ${credentials}` };
    const url = `${await application.app.getUrl()}${pathOf(route)}`;
    const { statusCode, body } = await request(url, { method: 'HEAD', headers });
    await body.dump();
    return statusCode;
  }

  /** Denials of callers that are known, as the audit trail tells of them. */
  async function countDenials(): Promise<number> {
    await application.app.get(RefusalRecorder).flush();
    const [row] = await queryDatabase<{ count: number }>(
      application.databaseUrl,
      `SELECT coalesce(sum(coalesce(substring(subject FROM '^calls:(.*)')::int, 1)), 0)::int AS count FROM audit_entries
       WHERE action = 'access.denied' AND actor <> 'unknown'`,
    );
    return row?.count ?? 0;
  }
});

describe('every route of the server and the address limit', () => {
  let application: TestApplication;
  beforeAll(async () => {
    const environment = {
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT_ADDRESS_PER_MINUTE: '1',
      RATE_LIMIT_HOOK_PER_MINUTE: '1',
    };
    application = await startApplication({ environment });
  });
  afterAll(() => application.close());

  it('refuses the second call of one address on each of them, and where there is none, but for probes (AR-25)', async () => {
    const url = await application.app.getUrl();
    const nowhere = ['/', '/nothing', '/v1/nothing', '/docs/nothing', '/health/nothing', '//connect'];
    const routes = [...application.routes, ...nowhere.map((path) => ({ method: 'GET', path }))];
    expect(routes.length).toBeGreaterThan(60);
    const wrong: string[] = [];
    for (const [index, { method, path }] of routes.entries()) {
      const headers = { 'x-forwarded-for': `198.51.${index >> 8}.${index & 0xff}` };
      const target = `${url}${path.replace(/:\w+/g, 'a').replace('*', 'b')}`;
      const send = async (): Promise<number> => {
        const { statusCode, body } = await request(target, { method: method as 'GET', headers });
        await body.dump();
        return statusCode;
      };
      const [first, second] = [await send(), await send()];
      const isTrial = /^\/health\/(live|ready)$/.test(path);
      if (first === 429 || (second === 429) === isTrial) {
        wrong.push(`${method} ${path}: ${first}, ${second}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('the process that works in the background', () => {
  it('has only the routes of health and metrics, and checks their callers as the API does (TE-08)', async () => {
    const api = await startApplication();
    const restore = setEnvironment({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATABASE_URL: api.databaseUrl,
      ENCRYPTION_ROOT_KEY: api.rootKey,
    });
    const adapter = createAdapter({ trustedProxies: [], production: false });
    const routes = new Set<string>();
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      [method].flat().forEach((each) => routes.add(`${each} ${url}`));
    });
    const module = await Test.createTestingModule({ imports: [WorkerModule] }).compile();
    const worker = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false });
    restore();
    try {
      configureApplication(worker);
      await worker.listen(0, '127.0.0.1');
      const own = [...routes].filter((route) => !/^(HEAD|OPTIONS) | \/docs/.test(route));
      expect(own.sort()).toEqual(['GET /health/live', 'GET /health/ready', 'GET /metrics']);
      const { statusCode, body } = await request(`${await worker.getUrl()}/metrics`);
      await body.dump();
      expect(statusCode).toBe(401);
    } finally {
      await worker.close();
      await api.close();
    }
  });
});
