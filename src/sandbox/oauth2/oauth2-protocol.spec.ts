import { describe, expect, it } from '@jest/globals';
import { consent } from '../testing/consent.js';
import {
  call,
  callback,
  challenge,
  encodeForm,
  json,
  postForm,
  redirected,
  tokens,
  verifier,
  type Fields,
} from '../testing/sandbox-driver.js';
import {
  clock,
  plainProvider,
  sandbox,
  stillProvider,
  strictProvider,
  useProviders,
} from '../testing/protocol-bench.js';

useProviders();

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
