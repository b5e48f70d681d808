import { describe, expect, it } from '@jest/globals';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import { basic, call, encodeForm, json, postForm, tokens, type Fields } from '../testing/sandbox-driver.js';
import { clock, plainProvider, stillProvider, strictProvider, useProviders } from '../testing/protocol-bench.js';

useProviders();

/** The right header, but for one change inside it. */
function basicWith(from: string, to: string): string {
  const text = Buffer.from(basic('strict').slice('Basic '.length), 'base64').toString();
  return `Basic ${Buffer.from(text.replace(from, to)).toString('base64')}`;
}

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
