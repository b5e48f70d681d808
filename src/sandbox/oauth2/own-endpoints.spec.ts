import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import type { OAuth2SandboxDefinition, SandboxEndpointCall } from '../../provider-kit/definition/sandbox-definition.js';
import {
  call,
  encodeForm,
  json,
  OAuth2Driver,
  postForm,
  startSandbox,
  type TestClock,
} from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

let seen: SandboxEndpointCall | undefined;

const definition: OAuth2SandboxDefinition = {
  ...plainDefinition,
  apiNeedsFact: 'registered',
  tokenParams: { action: 'requesttoken' },
  endpoints: [
    {
      method: 'POST',
      path: '/register',
      respond: (incoming) => {
        seen = incoming;
        if (incoming.bearerAccountId === undefined) {
          return { status: 401, json: {} };
        }
        const fact = `registered:${incoming.bearerAccountId}`;
        const again = incoming.has(fact);
        incoming.remember(fact);
        return { status: again ? 409 : 201, json: { account: incoming.bearerAccountId } };
      },
    },
    {
      method: 'DELETE',
      path: '/register',
      respond: (incoming) => {
        incoming.forget(`registered:${incoming.query['account']}`);
        return { status: 200, json: {} };
      },
    },
    {
      method: 'POST',
      path: '/token',
      respond: (incoming) => {
        incoming.endGrants(incoming.form['account'] ?? '');
        return { status: 200, json: { ended: incoming.form['account'] } };
      },
    },
  ],
};

let sandbox: VendorSandbox;
let clock: TestClock;
let driver: OAuth2Driver;
let url: string;

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({
    own: definition,
    other: { ...definition, endpoints: [] },
    query: {
      ...plainDefinition,
      apiTokenParameter: 'token',
      account: { path: '/me', respond: (accountId) => ({ id: accountId }) },
    },
  }));
  driver = new OAuth2Driver(sandbox.provider('own'));
  ({ url } = sandbox.provider('own'));
});

afterAll(() => sandbox.stop());

const register = async (accessToken: string): Promise<number> =>
  (await driver.api(accessToken, '/register', 'POST')).status;

describe('an endpoint that only one provider has', () => {
  it('sees form, query, credentials, clock and the user of the token', async () => {
    const { accessToken } = await driver.link({ account: '21' });
    const headers = { authorization: `Bearer ${accessToken}` };
    expect((await postForm(`${url}/register?q=1+2`, { f: 'a&b', empty: '' }, headers)).status).toBe(201);
    expect(seen).toMatchObject({
      baseUrl: url,
      clientId: sandboxClientId('own'),
      clientSecret: sandboxClientSecret('own'),
      nowMs: clock.ms,
      form: { f: 'a&b', empty: '' },
      query: { q: '1 2' },
      bearerAccountId: '21',
    });
  });

  it('sees no account where the token is unknown, expired or absent', async () => {
    const { accessToken } = await driver.link({ account: '22' });
    clock.advance(3600);
    for (const headers of [{}, { authorization: 'Bearer unknown' }, { authorization: `Bearer ${accessToken}` }]) {
      expect((await postForm(`${url}/register`, {}, headers)).status).toBe(401);
      expect(seen?.bearerAccountId).toBeUndefined();
    }
  });

  it('sees no form in another kind of body', async () => {
    await call('POST', `${url}/register`, { headers: { 'content-type': 'application/json' }, body: 'a=b' });
    expect(seen?.form).toEqual({});
  });

  it('is not called with a field twice', async () => {
    seen = undefined;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await call('POST', `${url}/register`, { headers, body: 'a=1&a=2' })).status).toBe(400);
    expect((await call('POST', `${url}/register?a=1&a=2`)).status).toBe(400);
    expect(seen).toBeUndefined();
  });

  it('is recorded as "endpoint" with the family, and responds to its methods only', async () => {
    const { accessToken } = await driver.link({ account: '23' });
    await register(accessToken);
    const family = sandbox.provider('own').history.findLast(({ kind }) => kind === 'token')?.familyId;
    expect(sandbox.provider('own').history.at(-1)).toMatchObject({ kind: 'endpoint', status: 201, familyId: family });
    const reply = await call('GET', `${url}/register`);
    expect([reply.status, reply.headers['allow']]).toEqual([405, 'POST, DELETE']);
  });

  it('can be ordered to go wrong, where there is one', async () => {
    sandbox.provider('own').misbehave({ endpoint: 'endpoint', type: 'status', code: 503 });
    expect(await register('any')).toBe(503);
    const order = (): void => sandbox.provider('other').misbehave({ endpoint: 'endpoint', type: 'drop' });
    expect(order).toThrow('no endpoint "endpoint"');
  });

  it('takes a revocation at the path of the token endpoint, and ends the grants of an account', async () => {
    const mine = await driver.link({ account: '24' });
    const again = await driver.link({ account: '24' });
    const other = await driver.link({ account: '25' });
    expect(json(await postForm(`${url}/token`, { action: 'revoke', account: '24' }))).toEqual({ ended: '24' });
    expect(sandbox.provider('own').isLiveAccessToken(mine.accessToken)).toBe(false);
    expect(sandbox.provider('own').isLiveAccessToken(again.accessToken)).toBe(false);
    expect((await driver.refresh(other.refreshToken)).status).toBe(200);
  });
});

describe('an API that needs a fact', () => {
  it('refuses an account until its fact is remembered, and once it is forgotten', async () => {
    const mine = await driver.link({ account: '31' });
    const other = await driver.link({ account: '32' });
    const before = await driver.api(mine.accessToken);
    expect([before.status, json(before)['error']]).toEqual([403, 'forbidden']);
    expect([await register(mine.accessToken), await register(mine.accessToken)]).toEqual([201, 409]);
    expect((await driver.api(mine.accessToken)).status).toBe(200);
    expect((await driver.api(other.accessToken)).status).toBe(403);
    await call('DELETE', `${url}/register?account=31`);
    expect((await driver.api(mine.accessToken)).status).toBe(403);
  });
});

describe('an API with the access token in the query', () => {
  it.each(['/data/1', '/me'])('takes it there, and not in the header: %s', async (path) => {
    const base = `${sandbox.provider('query').url}${path}`;
    const { accessToken } = await new OAuth2Driver(sandbox.provider('query')).link({ account: '41' });
    const query = encodeForm({ token: accessToken });
    expect((await call('GET', `${base}?${query}`)).status).toBe(200);
    expect((await call('GET', base, { headers: { authorization: `Bearer ${accessToken}` } })).status).toBe(400);
    expect((await call('GET', `${base}?${query}&${query}`)).status).toBe(400);
    expect((await call('GET', `${base}?token=unknown`)).status).toBe(401);
  });
});
