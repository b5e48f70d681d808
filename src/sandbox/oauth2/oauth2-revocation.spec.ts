import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sandboxClientId } from '../../provider-kit/definition/provider-settings.js';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import {
  basic,
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

const revocations = {
  query: {
    proof: 'bearer',
    method: 'GET',
    path: '/deauthorize',
    status: 200,
    query: { client_id: '{clientId}', really: 'yes' },
  },
  path: { proof: 'bearer', method: 'DELETE', path: '/users/{accountId}', status: 204 },
  token: { proof: 'token', method: 'POST', path: '/revoke', status: 200, goneStatus: 400 },
  lenient: { proof: 'token', method: 'POST', path: '/revoke', status: 200 },
  basic: { proof: 'client', method: 'POST', path: '/revoke', status: 200, clientAuthentication: 'basic' },
  none: { proof: 'client', method: 'POST', path: '/revoke', status: 200, clientAuthentication: 'none' },
} satisfies Record<string, OAuth2SandboxDefinition['revoke']>;

let sandbox: VendorSandbox;
let clock: TestClock;
const driver = (slug: keyof typeof revocations): OAuth2Driver => new OAuth2Driver(sandbox.provider(slug));

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox(
    Object.fromEntries(Object.entries(revocations).map(([slug, revoke]) => [slug, { ...plainDefinition, revoke }])),
  ));
});

afterAll(() => sandbox.stop());

describe('by bearer with a query', () => {
  const right = { client_id: sandboxClientId('query'), really: 'yes' };

  it('ends the grant where every parameter has its value', async () => {
    const { accessToken } = await driver('query').link();
    expect((await driver('query').api(accessToken, `/deauthorize?${encodeForm(right)}`)).status).toBe(200);
    expect(sandbox.provider('query').isLiveAccessToken(accessToken)).toBe(false);
  });

  it.each([
    ['a missing parameter', encodeForm({ ...right, really: undefined })],
    ['another client', encodeForm({ ...right, client_id: 'other' })],
    ['the placeholder itself', encodeForm({ ...right, client_id: '{clientId}' })],
    ['a repeated parameter', `${encodeForm(right)}&really=yes`],
    ['no query', ''],
  ])('refuses %s', async (_, query) => {
    const { accessToken } = await driver('query').link();
    expect((await driver('query').api(accessToken, `/deauthorize?${query}`)).status).toBe(400);
    expect(sandbox.provider('query').isLiveAccessToken(accessToken)).toBe(true);
  });

  it('refuses the query alone', async () => {
    const url = `${sandbox.provider('query').url}/deauthorize?${encodeForm(right)}`;
    expect((await call('GET', url)).status).toBe(401);
  });
});

describe('by bearer with the account in the path', () => {
  it('ends the grant of that account, and of no other', async () => {
    const mine = await driver('path').link({ account: '11' });
    const other = await driver('path').link({ account: '12' });
    const wrong = await driver('path').api(mine.accessToken, '/users/12', 'DELETE');
    expect([wrong.status, json(wrong)['error']]).toEqual([403, 'forbidden']);
    expect((await driver('path').api(mine.accessToken)).status).toBe(200);
    expect((await driver('path').api(mine.accessToken, '/users/11', 'DELETE')).status).toBe(204);
    expect((await driver('path').api(mine.accessToken)).status).toBe(401);
    expect((await driver('path').api(other.accessToken)).status).toBe(200);
    expect(sandbox.provider('path').history.filter(({ kind }) => kind === 'revoke')).toHaveLength(2);
  });

  it('is not found without an account, or below it, and takes no other method', async () => {
    const { accessToken } = await driver('path').link({ account: '11' });
    for (const path of ['/users', '/users/', '/users/11/more', '/users/11/']) {
      expect((await driver('path').api(accessToken, path, 'DELETE')).status).toBe(404);
    }
    expect((await driver('path').api(accessToken, '/users/11', 'POST')).status).toBe(405);
    expect(sandbox.provider('path').isLiveAccessToken(accessToken)).toBe(true);
  });
});

describe('by the token alone', () => {
  it.each(['accessToken', 'refreshToken'] as const)(
    'ends the grant of a live %s, without any client',
    async (which) => {
      const link = await driver('token').link();
      expect((await postForm(`${sandbox.provider('token').url}/revoke`, { token: link[which] })).status).toBe(200);
      expect((await driver('token').api(link.accessToken)).status).toBe(401);
      expect((await driver('token').refresh(link.refreshToken)).status).toBe(400);
    },
  );

  it('responds to a token that is not alive with the status of this provider', async () => {
    const url = `${sandbox.provider('token').url}/revoke`;
    const { accessToken, refreshToken } = await driver('token').link();
    await driver('token').refresh(refreshToken);
    clock.advance(3600);
    for (const token of ['unknown', accessToken, refreshToken]) {
      const reply = await postForm(url, { token });
      expect([reply.status, json(reply)['error']]).toEqual([400, 'invalid_token']);
    }
    expect(sandbox.provider('token').liveGrants().length).toBeGreaterThan(0);
    expect((await postForm(`${sandbox.provider('lenient').url}/revoke`, { token: 'unknown' })).status).toBe(200);
  });

  it('refuses a token in the query, two tokens, none, and a body that is no form', async () => {
    const url = `${sandbox.provider('token').url}/revoke`;
    const { accessToken } = await driver('token').link();
    const form = encodeForm({ token: accessToken });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await call('POST', `${url}?${form}`, { headers })).status).toBe(400);
    expect((await call('POST', url, { headers, body: `${form}&${form}` })).status).toBe(400);
    expect((await call('POST', url, { headers, body: '' })).status).toBe(400);
    expect((await call('POST', url, { body: form })).status).toBe(400);
    expect(sandbox.provider('token').isLiveAccessToken(accessToken)).toBe(true);
  });
});

describe('by the client, otherwise than at the token endpoint', () => {
  it('wants Basic, and not the form', async () => {
    const { accessToken } = await driver('basic').link();
    const url = `${sandbox.provider('basic').url}/revoke`;
    expect((await driver('basic').post('/revoke', { token: accessToken })).status).toBe(401);
    expect(sandbox.provider('basic').isLiveAccessToken(accessToken)).toBe(true);
    expect((await postForm(url, { token: accessToken }, { authorization: basic('basic') })).status).toBe(200);
    expect(sandbox.provider('basic').isLiveAccessToken(accessToken)).toBe(false);
  });

  it('wants the client id, and no secret', async () => {
    const { accessToken } = await driver('none').link();
    const url = `${sandbox.provider('none').url}/revoke`;
    expect((await driver('none').post('/revoke', { token: accessToken })).status).toBe(401);
    expect((await postForm(url, { token: accessToken })).status).toBe(401);
    expect((await postForm(url, { token: accessToken, client_id: sandboxClientId('none') })).status).toBe(200);
    expect(sandbox.provider('none').isLiveAccessToken(accessToken)).toBe(false);
  });
});
