import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { consent } from '../testing/consent.js';
import {
  basic,
  call,
  callback,
  challenge,
  encodeForm,
  json,
  OAuth2Driver,
  postForm,
  redirected,
  startSandbox,
  tokens,
  verifier,
  type Fields,
  type TestClock,
} from '../testing/sandbox-driver.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

/** Every check switched on; `plain` differs where a provider may. */
const strict: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/o/authorize',
  tokenPath: '/o/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: ['offline', 'read:a', 'read:b'],
  stateMinimumLength: 8,
  userPicksScopes: true,
  scopeInCallback: true,
  refreshTokenNeedsScope: 'offline',
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 3600,
  refreshTokenLifetimeSeconds: 7200,
  rotation: 'always',
  reuse: 'family-revoked',
  oldAccessTokenDiesOnRefresh: true,
  scopeOnRefresh: 'offline',
  account: { path: '/me', respond: (accountId) => ({ id: accountId }), scope: 'read:a' },
  apiPath: '/data',
  revoke: { proof: 'client', method: 'POST', path: '/o/revoke', status: 200 },
};

const plain: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/o/authorize',
  tokenPath: '/o/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ',',
  scopes: ['a', 'b'],
  omittedScopeMeansAll: true,
  malformedAuthorizeIsNotRedirected: true,
  scopeInTokenResponse: { constant: 'SAME ALWAYS' },
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  replaysRefreshUntilNewTokenUsed: true,
  oneRefreshTokenPerUser: true,
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponseExtras: (accountId) => ({ user_id: accountId }),
  errorResponse: (error, description, token) => ({ errors: [{ error, description, token }] }),
  apiPath: '/data',
  revoke: { proof: 'query', method: 'POST', path: '/o/revoke', status: 204, parameter: 'access_token' },
};

const still: OAuth2SandboxDefinition = {
  ...plain,
  pkce: 'ignored',
  scopes: [],
  rotation: 'never',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/o/revoke', status: 204 },
};

/** The right header, but for one change inside it. */
function basicWith(from: string, to: string): string {
  const text = Buffer.from(basic('strict').slice('Basic '.length), 'base64').toString();
  return `Basic ${Buffer.from(text.replace(from, to)).toString('base64')}`;
}

let sandbox: VendorSandbox;
let clock: TestClock;
let strictProvider: OAuth2Driver;
let plainProvider: OAuth2Driver;
let stillProvider: OAuth2Driver;

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({ strict, plain, still }));
  strictProvider = new OAuth2Driver(sandbox.provider('strict'));
  plainProvider = new OAuth2Driver(sandbox.provider('plain'));
  stillProvider = new OAuth2Driver(sandbox.provider('still'));
});

afterAll(() => sandbox.stop());

beforeEach(() => sandbox.provider('strict').revokeGrant('all'));

describe('authorize endpoint', () => {
  it('lets the user approve, and sends code, state and granted scope to a callback, and keeps its own query', async () => {
    const landed = await consent(strictProvider.authorizeUrl());
    expect(landed.href.startsWith(`${callback}&code=`)).toBe(true);
    expect(landed.searchParams.get('state')).toBe('state-of-the-test');
    expect(landed.searchParams.get('scope')).toBe('offline read:a read:b');
  });

  it('sends access_denied with the state, and no code, when the user denies', async () => {
    const { searchParams } = await consent(strictProvider.authorizeUrl(), { decision: 'deny' });
    expect(searchParams.get('error')).toBe('access_denied');
    expect(searchParams.get('state')).toBe('state-of-the-test');
    expect(searchParams.has('code')).toBe(false);
  });

  it.each<[string, Fields]>([
    ['another client', { client_id: 'other' }],
    ['no client', { client_id: undefined }],
    ['no redirect_uri', { redirect_uri: undefined }],
    ['a relative redirect_uri', { redirect_uri: '/callback' }],
    ['plain http beyond loopback', { redirect_uri: 'http://example.com/callback' }],
    ['a fragment', { redirect_uri: `${callback}#x` }],
    ['a user in the URL', { redirect_uri: 'https://a:b@example.com/callback' }],
    ['another scheme', { redirect_uri: 'javascript:alert(1)' }],
    ['another scheme on loopback', { redirect_uri: 'ftp://localhost/callback' }],
  ])('shows an error page, without a redirect, for %s', async (_, changes) => {
    const reply = await call('GET', strictProvider.authorizeUrl(changes));
    expect(reply.status).toBe(400);
    expect(reply.headers['location']).toBeUndefined();
  });

  it.each(['client_id=sandbox-strict-client', 'redirect_uri=https%3A%2F%2Fother.test%2F'])(
    'shows an error page when %s is repeated',
    async (repetition) => {
      expect((await call('GET', `${strictProvider.authorizeUrl()}&${repetition}`)).status).toBe(400);
    },
  );

  it.each<[string, string, Fields]>([
    ['response_type=token', 'unsupported_response_type', { response_type: 'token' }],
    ['no response_type', 'invalid_request', { response_type: undefined }],
    ['no state', 'invalid_request', { state: undefined }],
    ['a state below the minimum', 'invalid_request', { state: '1234567' }],
    ['an unknown scope', 'invalid_scope', { scope: 'offline write:a' }],
    ['another separator', 'invalid_scope', { scope: 'offline,read:a' }],
    ['no scope', 'invalid_scope', { scope: undefined }],
    ['no challenge', 'invalid_request', { code_challenge: undefined }],
    ['the method plain', 'invalid_request', { code_challenge_method: 'plain' }],
    ['no method', 'invalid_request', { code_challenge_method: undefined }],
    ['a challenge of 42 characters', 'invalid_request', { code_challenge: challenge.slice(1) }],
    ['a challenge with =', 'invalid_request', { code_challenge: `${challenge.slice(1)}=` }],
  ])('redirects with an error for %s', async (_, error, changes) => {
    const { searchParams } = await redirected(strictProvider.authorizeUrl(changes));
    expect(searchParams.get('error')).toBe(error);
    expect(searchParams.get('state')).toBe('state' in changes ? (changes['state'] ?? null) : 'state-of-the-test');
  });

  it('redirects with invalid_request, and without either state, when state is repeated', async () => {
    const { searchParams } = await redirected(`${strictProvider.authorizeUrl()}&state=another-state`);
    expect(searchParams.get('error')).toBe('invalid_request');
    expect(searchParams.has('state')).toBe(false);
  });

  it('does not redirect a malformed request where the provider does not', async () => {
    const reply = await call('GET', plainProvider.authorizeUrl({ scope: 'unknown' }));
    expect(reply.status).toBe(400);
    expect(reply.headers['location']).toBeUndefined();
  });

  it('takes an empty parameter as absent', async () => {
    expect((await call('GET', plainProvider.authorizeUrl({ state: '' }))).status).toBe(400);
    const { searchParams } = await consent(plainProvider.authorizeUrl({ scope: '' }));
    expect(searchParams.has('code')).toBe(true);
  });

  it('refuses a scope parameter where the provider takes none', async () => {
    expect((await call('GET', stillProvider.authorizeUrl({ scope: 'a' }))).status).toBe(400);
  });

  it('accepts a request without a challenge where PKCE is optional, but no broken one', async () => {
    const none = { code_challenge: undefined, code_challenge_method: undefined };
    expect((await call('GET', plainProvider.authorizeUrl(none))).status).toBe(200);
    expect((await call('GET', plainProvider.authorizeUrl({ ...none, code_challenge_method: 'S256' }))).status).toBe(
      400,
    );
    expect((await call('GET', plainProvider.authorizeUrl({ code_challenge_method: 'plain' }))).status).toBe(400);
  });

  it('responds to GET only', async () => {
    const reply = await call('POST', strictProvider.authorizeUrl());
    expect([reply.status, reply.headers['allow']]).toEqual([405, 'GET']);
  });
});

describe('token endpoint: codes', () => {
  it('exchanges a code for a token response that must not be cached', async () => {
    const reply = await strictProvider.exchange(await strictProvider.code({ account: '77' }));
    expect(reply.status).toBe(200);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(json(reply)).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token_expires_in: 7200,
      scope: 'offline read:a read:b',
    });
    expect(json(await strictProvider.api(tokens(reply).accessToken))).toMatchObject({ ok: true, account_id: '77' });
  });

  it('makes codes and tokens of which every one breaks where its encoding is forgotten', async () => {
    const code = await strictProvider.code();
    const { accessToken, refreshToken } = tokens(await strictProvider.exchange(code));
    for (const token of [code, accessToken, refreshToken]) {
      expect(token).toMatch(/\+.*\/.*=/);
    }
  });

  it('writes token type, scope and further fields as the provider does', async () => {
    const { fields } = await plainProvider.link({ account: '78' });
    expect(fields).toMatchObject({ token_type: 'Bearer', scope: 'SAME ALWAYS', user_id: '78' });
    expect(fields).not.toHaveProperty('refresh_token_expires_in');
  });

  it('refuses a code that is used twice, and revokes the tokens of the first use', async () => {
    const code = await strictProvider.code();
    const { accessToken, refreshToken } = tokens(await strictProvider.exchange(code));
    const again = await strictProvider.exchange(code);
    expect([again.status, json(again)['error']]).toEqual([400, 'invalid_grant']);
    expect((await strictProvider.api(accessToken)).status).toBe(401);
    expect(sandbox.provider('strict').isLiveRefreshToken(refreshToken)).toBe(false);
  });

  it('refuses an expired code, and accepts it one second before', async () => {
    const [first, second] = [await strictProvider.code(), await strictProvider.code()];
    clock.advance(59);
    expect((await strictProvider.exchange(first)).status).toBe(200);
    clock.advance(1);
    expect(json(await strictProvider.exchange(second))['error']).toBe('invalid_grant');
  });

  it.each<[string, string, Fields]>([
    ['another redirect_uri', 'invalid_grant', { redirect_uri: 'http://localhost:3000/v1/oauth/x/callback' }],
    ['a redirect_uri equal but for its encoding', 'invalid_grant', { redirect_uri: callback.replace('+', '%20') }],
    ['no redirect_uri', 'invalid_request', { redirect_uri: undefined }],
    ['another verifier', 'invalid_grant', { code_verifier: `${verifier.slice(1)}A` }],
    ['the challenge as verifier', 'invalid_grant', { code_verifier: challenge }],
    ['no verifier', 'invalid_request', { code_verifier: undefined }],
    ['a verifier of 42 characters', 'invalid_request', { code_verifier: verifier.slice(1) }],
    ['a verifier of 129 characters', 'invalid_request', { code_verifier: 'a'.repeat(129) }],
    ['an unknown code', 'invalid_grant', { code: 'unknown' }],
    ['no code', 'invalid_request', { code: undefined }],
    ['no grant_type', 'invalid_request', { grant_type: undefined }],
    ['another grant_type', 'unsupported_grant_type', { grant_type: 'password' }],
  ])('refuses %s', async (_, error, changes) => {
    const code = await strictProvider.code();
    const reply = await strictProvider.exchange(code, changes);
    expect([reply.status, json(reply)['error']]).toEqual([400, error]);
    expect(sandbox.provider('strict').liveGrants()).toHaveLength(0);
  });

  it('refuses a verifier for a code that was requested without a challenge', async () => {
    const code = await plainProvider.code({}, { code_challenge: undefined, code_challenge_method: undefined });
    expect((await plainProvider.exchange(code)).status).toBe(400);
    expect((await plainProvider.exchange(code, { code_verifier: undefined })).status).toBe(200);
  });

  it('does not look at a verifier where the provider ignores PKCE', async () => {
    expect((await stillProvider.exchange(await stillProvider.code(), { code_verifier: 'x' })).status).toBe(200);
  });

  it("refuses one fake's code at another", async () => {
    expect((await plainProvider.exchange(await strictProvider.code())).status).toBe(400);
  });

  it('issues no refresh token without the scope that is needed for one', async () => {
    const { fields } = await strictProvider.link({ scopes: ['read:a'] });
    expect(fields['scope']).toBe('read:a');
    expect(fields).not.toHaveProperty('refresh_token');
  });

  it("ends the refresh token of the user's earlier grant where the provider keeps only one", async () => {
    const first = await plainProvider.link({ account: '5' });
    const other = await plainProvider.link({ account: '6' });
    await plainProvider.link({ account: '5' });
    expect(json(await plainProvider.refresh(first.refreshToken))).toMatchObject({
      errors: [{ error: 'invalid_grant' }],
    });
    expect((await plainProvider.api(first.accessToken)).status).toBe(200);
    expect((await plainProvider.refresh(other.refreshToken)).status).toBe(200);
  });
});

describe('token endpoint: requests', () => {
  const body = encodeForm({ grant_type: 'refresh_token', refresh_token: 'x' });

  it.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded-not', ''])(
    'refuses the content type "%s"',
    async (type) => {
      const headers = { authorization: basic('strict'), ...(type === '' ? {} : { 'content-type': type }) };
      const reply = await call('POST', `${strictProvider.fake.url}/o/token`, { headers, body });
      expect([reply.status, json(reply)['error']]).toEqual([400, 'invalid_request']);
    },
  );

  it('refuses a repeated parameter, a query, a stray % and any method but POST', async () => {
    const url = `${strictProvider.fake.url}/o/token`;
    const { refreshToken } = await strictProvider.link();
    const right = encodeForm({ grant_type: 'refresh_token', refresh_token: refreshToken, scope: 'offline' });
    const headers = { authorization: basic('strict'), 'content-type': 'application/x-www-form-urlencoded' };
    for (const [target, text] of [
      [url, `${right}&scope=offline`],
      [`${url}?a=1`, right],
      [url, `${right}&a=%`],
      [url, `${right}&a=%ff`],
    ] as const) {
      const reply = await call('POST', target, { headers, body: text });
      expect([reply.status, json(reply)['error']]).toEqual([400, 'invalid_request']);
    }
    expect((await call('GET', url)).status).toBe(405);
    expect((await call('POST', url, { headers, body: right })).status).toBe(200);
  });

  it.each<[string, Record<string, string>, Fields]>([
    ['no client authentication', {}, {}],
    [
      'the secret in the body',
      {},
      { client_id: sandboxClientId('strict'), client_secret: sandboxClientSecret('strict') },
    ],
    ['both at once', { authorization: basic('strict') }, { client_secret: sandboxClientSecret('strict') }],
    ['another client_id in the body', { authorization: basic('strict') }, { client_id: 'other' }],
    ['a wrong secret', { authorization: basic('strict', 'wrong') }, {}],
    ["another client's header", { authorization: basic('plain') }, {}],
    [
      'parts that were not form-encoded',
      {
        authorization: `Basic ${Buffer.from(`${sandboxClientId('strict')}:${sandboxClientSecret('strict')}`).toString('base64')}`,
      },
      {},
    ],
    ['a secret whose colon was not form-encoded', { authorization: basicWith('%3A', ':') }, {}],
    ['a header without a colon', { authorization: `Basic ${Buffer.from('abc').toString('base64')}` }, {}],
    ['another scheme', { authorization: `Bearer ${basic('strict').slice(6)}` }, {}],
  ])('refuses %s where Basic is wanted', async (_, headers, fields) => {
    const { refreshToken } = await strictProvider.link();
    const refresh = { grant_type: 'refresh_token', refresh_token: refreshToken, scope: 'offline' };
    const reply = await postForm(`${strictProvider.fake.url}/o/token`, { ...refresh, ...fields }, headers);
    expect([reply.status, json(reply)['error']]).toEqual([401, 'invalid_client']);
    expect(reply.headers['www-authenticate']).toMatch(/^Basic /);
    expect(strictProvider.fake.isLiveRefreshToken(refreshToken)).toBe(true);
  });

  it('accepts the same client_id in the body beside Basic', async () => {
    const { refreshToken } = await strictProvider.link();
    expect((await strictProvider.refresh(refreshToken, { client_id: sandboxClientId('strict') })).status).toBe(200);
  });

  it.each<[string, Record<string, string>, Fields]>([
    ['Basic', { authorization: basic('plain') }, { client_id: undefined, client_secret: undefined }],
    ['both at once', { authorization: basic('plain') }, {}],
    ['a wrong secret', {}, { client_secret: 'wrong' }],
    ['no secret', {}, { client_secret: undefined }],
    ['another client', {}, { client_id: 'other' }],
  ])('refuses %s where the body is wanted, in the words of the provider', async (_, headers, fields) => {
    const reply = await plainProvider.post(
      '/o/token',
      { grant_type: 'refresh_token', refresh_token: 'the-token', ...fields },
      headers,
    );
    expect(reply.status).toBe(401);
    expect(json(reply)).toMatchObject({ errors: [{ error: 'invalid_client', token: 'the-token' }] });
  });
});

describe('token endpoint: refresh', () => {
  it('rotates: the new pair works, the old refresh token and, where so, the old access token are dead', async () => {
    const before = await strictProvider.link({ account: '9' });
    const after = tokens(await strictProvider.refresh(before.refreshToken));
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(json(await strictProvider.api(after.accessToken))['account_id']).toBe('9');
    expect((await strictProvider.api(before.accessToken)).status).toBe(401);
    expect(strictProvider.fake.isLiveRefreshToken(before.refreshToken)).toBe(false);
    expect((await strictProvider.refresh(after.refreshToken)).status).toBe(200);
  });

  it('keeps the old access token alive where the provider does', async () => {
    const before = await plainProvider.link();
    await plainProvider.refresh(before.refreshToken);
    expect((await plainProvider.api(before.accessToken)).status).toBe(200);
  });

  it('revokes the whole family on reuse', async () => {
    const first = await strictProvider.link();
    const bystander = await strictProvider.link({ account: '2' });
    const second = tokens(await strictProvider.refresh(first.refreshToken));
    const reused = await strictProvider.refresh(first.refreshToken);
    expect([reused.status, json(reused)['error']]).toEqual([400, 'invalid_grant']);
    expect((await strictProvider.api(second.accessToken)).status).toBe(401);
    expect(json(await strictProvider.refresh(second.refreshToken))['error']).toBe('invalid_grant');
    expect((await strictProvider.refresh(bystander.refreshToken)).status).toBe(200);
  });

  it('gives the same response again until a new token is used, and then an error that leaves the grant alone', async () => {
    const first = await plainProvider.link();
    const second = await plainProvider.refresh(first.refreshToken);
    expect((await plainProvider.refresh(first.refreshToken)).text).toBe(second.text);
    await plainProvider.api(tokens(second).accessToken);
    const refused = await plainProvider.refresh(first.refreshToken);
    expect(json(refused)).toMatchObject({ errors: [{ error: 'invalid_grant', token: first.refreshToken }] });
    expect((await plainProvider.refresh(tokens(second).refreshToken)).status).toBe(200);
  });

  it('does not replay once the grant is revoked', async () => {
    const first = await plainProvider.link({ account: '55' });
    await plainProvider.refresh(first.refreshToken);
    plainProvider.fake.revokeGrant('55');
    expect((await plainProvider.refresh(first.refreshToken)).status).toBe(400);
  });

  it('ends the replay when the new refresh token is used', async () => {
    const first = await plainProvider.link();
    await plainProvider.refresh(tokens(await plainProvider.refresh(first.refreshToken)).refreshToken);
    expect((await plainProvider.refresh(first.refreshToken)).status).toBe(400);
  });

  it('keeps the refresh token where the provider never rotates', async () => {
    const first = await stillProvider.link();
    const second = await stillProvider.refresh(first.refreshToken);
    expect(second.status).toBe(200);
    expect(json(second)).not.toHaveProperty('refresh_token');
    expect((await stillProvider.refresh(first.refreshToken)).status).toBe(200);
  });

  it.each<[string, string, Fields]>([
    ['no scope where one is needed', 'invalid_scope', { scope: undefined }],
    ['another scope than the one needed', 'invalid_scope', { scope: 'read:a' }],
    ['more scope than was granted', 'invalid_scope', { scope: 'offline read:b' }],
    ['an unknown token', 'invalid_grant', { refresh_token: 'unknown' }],
    ['no token', 'invalid_request', { refresh_token: undefined }],
  ])('refuses %s, and leaves the refresh token alive', async (_, error, changes) => {
    const { refreshToken } = await strictProvider.link({ scopes: ['offline', 'read:a'] });
    const reply = await strictProvider.refresh(refreshToken, changes);
    expect([reply.status, json(reply)['error']]).toEqual([400, error]);
    expect((await strictProvider.refresh(refreshToken)).status).toBe(200);
  });

  it('refuses an access token in place of a refresh token, and a refresh token of another fake', async () => {
    expect((await strictProvider.refresh((await strictProvider.link()).accessToken)).status).toBe(400);
    expect((await strictProvider.refresh((await plainProvider.link()).refreshToken)).status).toBe(400);
  });

  it('refuses a refresh token after its life, and gives each new one a whole life', async () => {
    const { refreshToken } = await strictProvider.link();
    clock.advance(7199);
    const next = tokens(await strictProvider.refresh(refreshToken)).refreshToken;
    clock.advance(7199);
    const last = tokens(await strictProvider.refresh(next)).refreshToken;
    clock.advance(7200);
    expect(json(await strictProvider.refresh(last))['error']).toBe('invalid_grant');
  });
});

describe('API and account', () => {
  it('accepts an access token until it expires', async () => {
    const { accessToken } = await strictProvider.link();
    clock.advance(3599);
    expect((await strictProvider.api(accessToken)).status).toBe(200);
    clock.advance(1);
    const reply = await strictProvider.api(accessToken);
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toContain('invalid_token');
  });

  it('refuses no token, an unknown one, a refresh token, another scheme, and a token in the query', async () => {
    const { accessToken, refreshToken } = await strictProvider.link();
    const url = `${strictProvider.fake.url}/data`;
    const wrong = [
      undefined,
      'Bearer unknown',
      `Bearer ${refreshToken}`,
      `Basic ${accessToken}`,
      `Bearer  ${accessToken}`,
    ];
    for (const authorization of wrong) {
      const reply = await call('GET', url, authorization === undefined ? {} : { headers: { authorization } });
      expect(reply.status).toBe(401);
    }
    expect((await call('GET', `${url}?${encodeForm({ access_token: accessToken })}`)).status).toBe(401);
  });

  it('serves any method at the API path and below it, and nothing beside it', async () => {
    const { accessToken } = await strictProvider.link();
    expect((await strictProvider.api(accessToken, '/data/1?x=y', 'POST')).status).toBe(200);
    expect((await strictProvider.api(accessToken, '/database')).status).toBe(404);
  });

  it('names the account, if the scope for it was granted', async () => {
    expect(json(await strictProvider.api((await strictProvider.link({ account: '31' })).accessToken, '/me'))).toEqual({
      id: '31',
    });
    const without = await strictProvider.link({ scopes: ['read:b'] });
    expect((await strictProvider.api(without.accessToken, '/me')).status).toBe(403);
    expect((await strictProvider.api(without.accessToken)).status).toBe(200);
  });
});

describe('revocation', () => {
  it.each(['accessToken', 'refreshToken'] as const)('by the client with the %s ends the whole grant', async (which) => {
    const link = await strictProvider.link();
    const other = await strictProvider.link();
    expect((await strictProvider.post('/o/revoke', { token: link[which] })).status).toBe(200);
    expect((await strictProvider.api(link.accessToken)).status).toBe(401);
    expect(json(await strictProvider.refresh(link.refreshToken))['error']).toBe('invalid_grant');
    expect((await strictProvider.api(other.accessToken)).status).toBe(200);
  });

  it('by the client needs client authentication and a token, and accepts an unknown one', async () => {
    const { accessToken } = await strictProvider.link();
    expect((await postForm(`${strictProvider.fake.url}/o/revoke`, { token: accessToken })).status).toBe(401);
    expect((await strictProvider.post('/o/revoke', {})).status).toBe(400);
    expect((await strictProvider.post('/o/revoke', { token: 'unknown' })).status).toBe(200);
    expect((await strictProvider.api(accessToken)).status).toBe(200);
  });

  it('by bearer ends the grant of that token and no other', async () => {
    const [one, other] = [await stillProvider.link(), await stillProvider.link()];
    expect((await stillProvider.api('unknown', '/o/revoke', 'DELETE')).status).toBe(401);
    expect((await stillProvider.api(one.accessToken, '/o/revoke', 'POST')).status).toBe(405);
    expect((await stillProvider.api(one.accessToken, '/o/revoke', 'DELETE')).status).toBe(204);
    expect((await stillProvider.api(one.accessToken)).status).toBe(401);
    expect((await stillProvider.refresh(one.refreshToken)).status).toBe(400);
    expect((await stillProvider.api(other.accessToken)).status).toBe(200);
  });

  it('by query takes a live access token there, and nowhere else', async () => {
    const { accessToken } = await plainProvider.link();
    const url = `${plainProvider.fake.url}/o/revoke`;
    const query = encodeForm({ access_token: accessToken });
    expect((await postForm(url, { access_token: accessToken })).status).toBe(400);
    expect((await call('POST', `${url}?access_token=${accessToken}`)).status).toBe(401);
    expect((await call('POST', `${url}?${query}&${query}`)).status).toBe(400);
    expect((await plainProvider.api(accessToken)).status).toBe(200);
    expect((await call('POST', `${url}?${query}`)).status).toBe(204);
    expect((await plainProvider.api(accessToken)).status).toBe(401);
  });
});
