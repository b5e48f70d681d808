import { afterEach, describe, expect, it } from '@jest/globals';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { CompanyLogin } from '../support/company-login.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

let applications: TestApplication[] = [];

afterEach(async () => {
  for (const application of applications) {
    await application.close();
  }
  applications = [];
});

async function start(
  environment: Readonly<Record<string, string>>,
  beside?: TestApplication,
): Promise<TestApplication> {
  const shared =
    beside === undefined
      ? {}
      : { databaseUrl: beside.databaseUrl, rootKey: beside.rootKey, sandbox: beside.sandbox, clock: beside.clock };
  const application = await startApplication({ environment, ...shared });
  applications.unshift(application);
  return application;
}

const tables = ['links', 'connections', 'api_keys', 'rate_limits', 'audit_entries'];

async function countRows({ databaseUrl }: TestApplication): Promise<unknown> {
  const counts = tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`);
  return (await queryDatabase(databaseUrl, `SELECT ${counts.join(', ')}`))[0];
}

/** Calls the callback with made-up states and returns how often each status came. */
async function attack({ app }: TestApplication, calls: number, from: string): Promise<Record<number, number>> {
  const url = await app.getUrl();
  const counts: Record<number, number> = {};
  const headers = { 'x-forwarded-for': from };
  let left = calls;
  const attacker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const { statusCode, body } = await request(`${url}/v1/oauth/whoop/callback?code=c&state=made-up-${left}`, {
        headers,
      });
      await body.dump();
      counts[statusCode] = (counts[statusCode] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 32 }, attacker));
  return counts;
}

/** Goes through a link as a browser at another address. */
async function link(application: TestApplication): Promise<number> {
  const { linkWebUrl } = await startLink(application, 'user-1', 'whoop');
  const path = pathOf(await consent(linkWebUrl));
  return (await application.browser.get(path).set('x-forwarded-for', '203.0.113.9')).status;
}

describe('made-up callbacks (AR-25)', () => {
  const behindProxy = { TRUSTED_PROXIES: '127.0.0.1' };

  it('are all looked up without a limit', async () => {
    const application = await start({ ...behindProxy, RATE_LIMIT_ADDRESS_PER_MINUTE: '0' });
    expect(await attack(application, 1_000, '198.51.100.1')).toEqual({ 403: 1_000 });
  });

  it.each(['memory', 'postgres'])(
    'ten thousand of one address are cut off and leave nothing behind, while a user links (%s)',
    async (storage) => {
      const limits = { RATE_LIMIT_ADDRESS_PER_MINUTE: '100', RATE_LIMIT_STORAGE: storage };
      const application = await start({ ...behindProxy, ...limits });
      const before = await countRows(application);
      const responses = await attack(application, 10_000, '198.51.100.1');
      expect(responses).toEqual({ 403: 100, 429: 9_900 });
      const rows = storage === 'postgres' ? 1 : 0;
      expect(await countRows(application)).toEqual({ ...(before as object), rate_limits: rows });
      expect(await link(application)).toBe(200);
      const refused = await application.browser
        .get('/v1/oauth/whoop/callback?code=c&state=s')
        .set('x-forwarded-for', '198.51.100.1')
        .expect(429);
      expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', act: 'caller' });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    },
  );

  it('do not get past the limit with made-up addresses, where no proxy is trusted', async () => {
    const application = await start({ RATE_LIMIT_ADDRESS_PER_MINUTE: '5' });
    const path = '/v1/oauth/whoop/callback?code=c&state=s';
    const statuses: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      statuses.push((await application.browser.get(path).set('x-forwarded-for', `198.51.100.${index}`)).status);
    }
    expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429, 429]);
  });

  it('are counted across instances in PostgreSQL, and in each of them in memory', async () => {
    for (const [storage, passed] of [
      ['postgres', 10],
      ['memory', 20],
    ] as const) {
      const environment = { ...behindProxy, RATE_LIMIT_ADDRESS_PER_MINUTE: '10', RATE_LIMIT_STORAGE: storage };
      const one = await start(environment);
      const other = await start(environment, one);
      const [first, second] = [await attack(one, 50, '198.51.100.2'), await attack(other, 50, '198.51.100.2')];
      expect((first[403] ?? 0) + (second[403] ?? 0)).toBe(passed);
    }
  });
});

describe('a caller that comes too often', () => {
  it('gets 429 for other calls, and tokens nevertheless', async () => {
    const application = await start({ RATE_LIMIT_CALLER_PER_MINUTE: '10' });
    await linkAccount(application, 'user-1', 'whoop');
    const list = () => application.api.get('/v1/users/user-1/connections');
    const responses = [];
    for (let call = 0; call < 12; call += 1) {
      responses.push((await list()).status);
    }
    expect(responses.filter((status) => status === 200)).toHaveLength(9);
    expect(responses.slice(-3)).toEqual([429, 429, 429]);
    for (let call = 0; call < 30; call += 1) {
      await application.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
    }
    const other = await application.createKey('connections:read');
    await application.browser.get('/v1/users/user-1/connections').set('authorization', `Bearer ${other}`).expect(200);
    await application.browser.get('/health/live').expect(200);
  });

  it('may change another user at the same time', async () => {
    const application = await start({ RATE_LIMIT_USER_PER_MINUTE: '3' });
    for (let call = 0; call < 3; call += 1) {
      await startLink(application, 'user-1', 'whoop');
    }
    const other = await application.createKey('links:write');
    const path = '/v1/users/user-1/connections/whoop/link';
    await application.browser.post(path).set('authorization', `Bearer ${other}`).send({}).expect(429);
    await application.api.get('/v1/users/user-1/connections').expect(200);
    await startLink(application, 'user-2', 'whoop');
  });

  it('makes no more link sessions for one user than links (AR-25)', async () => {
    const application = await start({ RATE_LIMIT_USER_PER_MINUTE: '3' });
    const make = (userId: unknown) => application.api.post('/v1/link-sessions').send({ user_id: userId });
    await startLink(application, 'user-1', 'whoop');
    await make('user-1').expect(201);
    await make('user-1').expect(201);
    await make('user-1').expect(429);
    await make('user-2').expect(201);
    for (const nobody of [null, 1, ['user-1'], { toString: 'user-1' }]) {
      await make(nobody).expect(400);
    }
    await application.api.post('/v1/link-sessions').type('json').send('null').expect(400);
  });
});

describe('an unknown caller (AR-25)', () => {
  const path = '/v1/users/user-1/connections/whoop/token';
  const credentials = ['', 'Basic dXNlcjpwYXNz', 'Bearer cuff_wrong', `Bearer ${'a'.repeat(40)}`];

  async function knock({ browser }: TestApplication, calls: number, from: string): Promise<number[]> {
    const statuses: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      const credential = credentials[call % credentials.length] ?? '';
      const response = await browser.get(path).set('x-forwarded-for', from).set('authorization', credential);
      statuses.push(response.status);
    }
    return statuses;
  }

  it('is cut off by address, while a valid key at the same address gets tokens', async () => {
    const application = await start({ TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT_ADDRESS_PER_MINUTE: '5' });
    await linkAccount(application, 'user-1', 'whoop');
    expect(await knock(application, 8, '198.51.100.1')).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);

    for (let call = 0; call < 20; call += 1) {
      await application.api.get(path).set('x-forwarded-for', '198.51.100.1').expect(200);
    }
    const refused = await application.browser.get(path).set('x-forwarded-for', '198.51.100.1').expect(429);
    expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', act: 'caller' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await knock(application, 2, '198.51.100.2')).toEqual([401, 401]);
    await application.app.get(RefusalRecorder).flush();
    const denials = `SELECT DISTINCT code FROM audit_entries WHERE action = 'access.denied'`;
    expect(await queryDatabase(application.databaseUrl, denials)).toEqual([{ code: 'API_KEY_INVALID' }]);
  });

  it('does not use up the callbacks of those at the same address, nor they its calls', async () => {
    const application = await start({ RATE_LIMIT_ADDRESS_PER_MINUTE: '5' });
    const callback = pathOf(await consent((await startLink(application, 'user-1', 'whoop')).linkWebUrl));
    // The first call of the valid key has counted too: nobody knew it yet.
    expect(await knock(application, 3, '')).toEqual([401, 401, 401]);

    await application.browser.get(callback).expect(200);
    const madeUp = '/v1/oauth/whoop/callback?code=c&state=made-up';
    for (const status of [403, 403, 403, 403, 429]) {
      await application.browser.get(madeUp).expect(status);
    }
    expect(await knock(application, 3, '')).toEqual([401, 429, 429]);
  });

  it('with the defense off (no limit) tries one credential after the other', async () => {
    const application = await start({ TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT_ADDRESS_PER_MINUTE: '0' });
    expect(new Set(await knock(application, 200, '198.51.100.1'))).toEqual(new Set([401]));
  });
});

describe('a user with a token (AR-25)', () => {
  async function call({ browser }: TestApplication, token: string, userId: string, calls: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let count = 0; count < calls; count += 1) {
      const list = browser.get(`/v1/users/${userId}/connections`).set('authorization', `Bearer ${token}`);
      statuses.push((await list).status);
    }
    return statuses;
  }

  it.each([
    ['is cut off, whichever token it is, and no other user or key is', '5', 429],
    ['with the defence off (no limit) comes as often as it likes', '0', 200],
  ])('%s', async (_what, limit, beyond) => {
    const login = await CompanyLogin.start();
    try {
      const application = await start({ ...login.environment, RATE_LIMIT_USER_TOKEN_PER_MINUTE: limit });
      const [first, second] = [await login.tokenFor('user-1'), await login.tokenFor('user-1', 200)];
      expect(await call(application, first, 'user-1', 7)).toEqual([200, 200, 200, 200, 200, beyond, beyond]);
      expect(await call(application, second, 'user-1', 1)).toEqual([beyond]);
      expect(await call(application, await login.tokenFor('user-2'), 'user-2', 5)).toEqual(Array(5).fill(200));
      for (let count = 0; count < 10; count += 1) {
        await application.api.get('/v1/users/user-1/connections').expect(200);
      }
      const prying = await call(application, await login.tokenFor('user-3'), 'user-1', 7);
      const refused = beyond === 429 ? 429 : 403;
      expect(prying).toEqual([403, 403, 403, 403, 403, refused, refused]);
    } finally {
      await login.stop();
    }
  });
});
