import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import type { Misbehaviour } from '../misbehaviour.js';
import {
  callback,
  json,
  OAuth2Driver,
  startSandbox,
  tokens,
  type Fields,
  type TestClock,
} from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

/** Renames and wraps, as some providers do; without tokens there is only the status. */
const shaped: OAuth2SandboxDefinition = {
  ...plainDefinition,
  errorStatus: 200,
  errorResponse: (error) => ({ result: 'failed', error }),
  tokenResponse: ({ access_token, refresh_token, expires_in, scope }, accountId) => ({
    result: 'ok',
    body: { AccessToken: access_token, RefreshToken: refresh_token, Expires: expires_in, Scope: scope, accountId },
  }),
};

const graceSeconds = 30;

/** Takes a used refresh token again for a while, and ends the grant after that. */
function graceful(response: 'same' | 'further'): OAuth2SandboxDefinition {
  return { ...plainDefinition, reuse: 'family-revoked', reuseGrace: { seconds: graceSeconds, response } };
}

let sandbox: VendorSandbox;
let clock: TestClock;
const driver = (slug: string): OAuth2Driver => new OAuth2Driver(sandbox.provider(slug));

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({
    path: { ...plainDefinition, refreshPath: '/refresh' },
    once: { ...plainDefinition, issuesRefreshToken: false },
    extends: {
      ...plainDefinition,
      refreshExtendsToken: true,
      rotation: 'never',
      tokenResponse: (standard) => ({ ...standard, result: '0000' }),
    },
    parameters: { ...plainDefinition, refreshPath: '/refresh', tokenParams: { action: 'requesttoken' } },
    repeat: { ...plainDefinition, scopeOnExchange: true, userPicksScopes: true, redirectUriOnRefresh: true },
    shaped,
    same: graceful('same'),
    further: graceful('further'),
  }));
});

afterAll(() => sandbox.stop());

describe('a refresh path of its own', () => {
  it('takes refreshes, which the token endpoint refuses, and no codes', async () => {
    const { refreshToken } = await driver('path').link();
    const elsewhere = await driver('path').post('/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
    expect([elsewhere.status, json(elsewhere)['error']]).toEqual([400, 'unsupported_grant_type']);
    const code = { grant_type: 'authorization_code', code: await driver('path').code(), redirect_uri: callback };
    const exchanged = await driver('path').post('/refresh', code);
    expect([exchanged.status, json(exchanged)['error']]).toEqual([400, 'unsupported_grant_type']);
    expect((await driver('path').refresh(refreshToken)).status).toBe(200);
  });

  it('is where a refresh is ordered to go wrong, and recorded', async () => {
    sandbox.provider('path').misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    const { refreshToken } = await driver('path').link();
    expect((await driver('path').refresh(refreshToken)).status).toBe(503);
    expect(sandbox.provider('path').history.at(-1)).toMatchObject({ kind: 'refresh', misbehaviour: 'status' });
  });
});

describe('a provider without refresh tokens', () => {
  it('issues none', async () => {
    const { fields } = await driver('once').link();
    expect(fields).toHaveProperty('access_token');
    expect(fields).not.toHaveProperty('refresh_token');
  });
});

describe('a refresh that extends the access token', () => {
  it('responds without tokens, and gives the token in use a whole life from now', async () => {
    const { accessToken, refreshToken } = await driver('extends').link();
    const other = await driver('extends').link();
    clock.advance(3000);
    const reply = await driver('extends').refresh(refreshToken);
    expect([reply.status, json(reply)]).toEqual([200, { result: '0000' }]);
    clock.advance(3599);
    expect((await driver('extends').api(accessToken)).status).toBe(200);
    expect((await driver('extends').api(other.accessToken)).status).toBe(401);
    clock.advance(1);
    expect((await driver('extends').api(accessToken)).status).toBe(401);
  });

  it('revives a token that a test expired, and keeps the refresh token', async () => {
    const { accessToken, refreshToken } = await driver('extends').link();
    sandbox.provider('extends').expireAccessTokens();
    expect((await driver('extends').api(accessToken)).status).toBe(401);
    await driver('extends').refresh(refreshToken);
    expect((await driver('extends').api(accessToken)).status).toBe(200);
    expect((await driver('extends').refresh(refreshToken)).status).toBe(200);
  });

  it('is refused for a grant that ended, and extends nothing', async () => {
    const { accessToken, refreshToken } = await driver('extends').link({ account: '51' });
    sandbox.provider('extends').revokeGrant('51');
    expect(json(await driver('extends').refresh(refreshToken))['error']).toBe('invalid_grant');
    expect((await driver('extends').api(accessToken)).status).toBe(401);
  });
});

describe('a grace window', () => {
  it.each(['same', 'further'])(
    'takes the used refresh token again until it is over, and ends the grant then: %s',
    async (slug) => {
      const first = await driver(slug).link();
      const second = tokens(await driver(slug).refresh(first.refreshToken));
      clock.advance(graceSeconds - 1);
      expect((await driver(slug).refresh(first.refreshToken)).status).toBe(200);
      clock.advance(1);
      const late = await driver(slug).refresh(first.refreshToken);
      expect([late.status, json(late)['error']]).toEqual([400, 'invalid_grant']);
      expect(json(await driver(slug).refresh(second.refreshToken))['error']).toBe('invalid_grant');
    },
  );

  it('responds with the same pair, used or not', async () => {
    const first = await driver('same').link();
    const response = await driver('same').refresh(first.refreshToken);
    await driver('same').api(tokens(response).accessToken);
    expect((await driver('same').refresh(first.refreshToken)).text).toBe(response.text);
  });

  it('responds with a further pair, beside which the first one stays alive', async () => {
    const first = await driver('further').link();
    const pairs = [
      tokens(await driver('further').refresh(first.refreshToken)),
      tokens(await driver('further').refresh(first.refreshToken)),
    ];
    expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(2);
    for (const { accessToken, refreshToken } of pairs) {
      expect((await driver('further').api(accessToken)).status).toBe(200);
      expect((await driver('further').refresh(refreshToken)).status).toBe(200);
    }
  });

  it('does not start again with a repetition', async () => {
    const { refreshToken } = await driver('further').link();
    await driver('further').refresh(refreshToken);
    clock.advance(graceSeconds - 1);
    await driver('further').refresh(refreshToken);
    clock.advance(1);
    expect((await driver('further').refresh(refreshToken)).status).toBe(400);
  });

  it.each(['same', 'further'])('gives nothing once the grant has ended: %s', async (slug) => {
    const { refreshToken } = await driver(slug).link({ account: '71' });
    await driver(slug).refresh(refreshToken);
    sandbox.provider(slug).revokeGrant('71');
    expect((await driver(slug).refresh(refreshToken)).status).toBe(400);
  });
});

describe('parameters of every call of the token endpoint', () => {
  it.each<[string, Fields]>([
    ['absent', { action: undefined }],
    ['another', { action: 'other' }],
  ])('are refused when %s, at exchange and refresh', async (_, change) => {
    const code = await driver('parameters').code();
    const exchanged = await driver('parameters').exchange(code, change);
    expect([exchanged.status, json(exchanged)['error']]).toEqual([400, 'invalid_request']);
    const { refreshToken } = tokens(await driver('parameters').exchange(code));
    const refreshed = await driver('parameters').refresh(refreshToken, change);
    expect([refreshed.status, json(refreshed)['error']]).toEqual([400, 'invalid_request']);
    expect((await driver('parameters').refresh(refreshToken)).status).toBe(200);
  });
});

describe('calls to be repeated', () => {
  it.each<[string, string, Fields]>([
    ['no scope', 'invalid_request', {}],
    ['less scope', 'invalid_scope', { scope: 'a' }],
    ['more scope', 'invalid_scope', { scope: 'a b c' }],
    ['other scope', 'invalid_scope', { scope: 'a c' }],
    ['a scope twice', 'invalid_scope', { scope: 'a a' }],
    ['another separator', 'invalid_scope', { scope: 'a,b' }],
  ])('an exchange with %s is refused', async (_, error, change) => {
    const reply = await driver('repeat').exchange(await driver('repeat').code(), change);
    expect([reply.status, json(reply)['error']]).toEqual([400, error]);
  });

  it('an exchange repeats the requested scopes, not the granted ones', async () => {
    const code = await driver('repeat').code({ scopes: ['a'] });
    expect(json(await driver('repeat').exchange(code, { scope: 'b a' }))['scope']).toBe('a');
  });

  it.each<[string, string, Fields]>([
    ['no redirect URI', 'invalid_request', {}],
    ['another redirect URI', 'invalid_grant', { redirect_uri: 'http://localhost:3000/other' }],
  ])('a refresh with %s is refused', async (_, error, change) => {
    const code = await driver('repeat').code();
    const { refreshToken } = tokens(await driver('repeat').exchange(code, { scope: 'a b' }));
    const reply = await driver('repeat').refresh(refreshToken, change);
    expect([reply.status, json(reply)['error']]).toEqual([400, error]);
    expect((await driver('repeat').refresh(refreshToken, { redirect_uri: callback })).status).toBe(200);
  });
});

describe("a response in the provider's own shape", () => {
  const link = async (account = '61'): Promise<Record<string, unknown>> =>
    body(await driver('shaped').exchange(await driver('shaped').code({ account })));
  const body = (reply: Parameters<typeof json>[0]): Record<string, unknown> =>
    json(reply)['body'] as Record<string, unknown>;

  it('is written at exchange and refresh', async () => {
    const first = await link();
    expect(first).toMatchObject({ Expires: 3600, Scope: 'a b', accountId: '61' });
    const second = body(await driver('shaped').refresh(String(first['RefreshToken'])));
    expect(second).toMatchObject({ Expires: 3600, Scope: 'a b', accountId: '61' });
    expect((await driver('shaped').api(String(second['AccessToken']))).status).toBe(200);
  });

  it.each<[string, string, unknown]>([
    ['omitExpiresIn', 'Expires', undefined],
    ['omitRefreshToken', 'RefreshToken', undefined],
    ['emptyRefreshToken', 'RefreshToken', ''],
    ['scope', 'Scope', 'a'],
  ])('goes wrong before it is written: %s', async (type, field, expected) => {
    const options = type === 'scope' ? { scopes: ['a'] } : {};
    sandbox.provider('shaped').misbehave({ endpoint: 'token', type, ...options } as Misbehaviour);
    expect((await link())[field]).toEqual(expected);
  });

  it('leaves errors to the status and body that this provider gives them', async () => {
    sandbox.provider('shaped').misbehave({ endpoint: 'refresh', type: 'expiresIn', value: 5 });
    const refused = await driver('shaped').refresh('unknown');
    expect([refused.status, json(refused)]).toEqual([200, { result: 'failed', error: 'invalid_grant' }]);
    const stranger = await driver('shaped').refresh('unknown', { client_secret: 'wrong' });
    expect([stranger.status, json(stranger)]).toEqual([200, { result: 'failed', error: 'invalid_client' }]);
    expect(sandbox.provider('shaped').history.at(-1)).toMatchObject({ outcome: 'invalid_client', status: 200 });
  });

  it('keeps the standard status of errors elsewhere', async () => {
    const reply = await driver('shaped').api('unknown');
    expect([reply.status, json(reply)]).toEqual([401, { result: 'failed', error: 'invalid_token' }]);
  });
});
