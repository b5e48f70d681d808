import { gunzipSync } from 'node:zlib';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type {
  OAuth1SandboxDefinition,
  OAuth2SandboxDefinition,
} from '../provider-kit/definition/sandbox-definition.js';
import type { FakeProvider } from './fake-provider.js';
import type { Misbehaviour } from './misbehaviour.js';
import {
  call,
  callback,
  json,
  OAuth2Driver,
  postForm,
  sha256Fingerprint,
  signedCall,
  startSandbox,
  tokens,
  type Reply,
  type TestClock,
} from './testing/sandbox-driver.js';
import { VendorSandbox } from './vendor-sandbox.js';
import { request } from './testing/request.js';

const definition: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/authorize',
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['a', 'b', 'c'],
  userPicksScopes: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: { path: '/me', respond: (accountId) => ({ id: accountId }) },
  apiPath: '/data',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/revoke', status: 204 },
};

const oauth1: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/authorize',
  requestTokenPath: '/request_token',
  accessTokenPath: '/access_token',
  signatureMethod: 'HMAC-SHA1',
  apiPath: '/data',
};

let sandbox: VendorSandbox;
let clock: TestClock;
let fake: FakeProvider;
let driver: OAuth2Driver;

beforeEach(async () => {
  ({ sandbox, clock } = await startSandbox({
    one: definition,
    old: oauth1,
    fixed: { ...definition, userPicksScopes: false },
  }));
  fake = sandbox.provider('one');
  driver = new OAuth2Driver(fake);
});

afterEach(() => sandbox.stop());

async function order(body: unknown, slug = 'one', type = 'application/json'): Promise<Reply> {
  const headers = { 'content-type': type };
  return call('POST', `${sandbox.url}/_control/${slug}`, { headers, body: JSON.stringify(body) });
}

async function openForm(url = driver.authorizeUrl()): Promise<string> {
  return /name="request" value="([^"]+)"/.exec((await call('GET', url)).text)?.[1] ?? '';
}

describe('consent page', () => {
  it('is a plain form without scripts, with a policy that allows none', async () => {
    const reply = await call('GET', driver.authorizeUrl());
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(reply.headers['content-security-policy']).toContain("default-src 'none'");
    expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(reply.text).toContain('<form method="post" action="/one/_consent">');
    expect(reply.text).toMatch(/name="account"\s+value="1001"/);
    expect(reply.text).toContain('<meta name="viewport"');
    expect(reply.text).toContain('name="decision" value="approve"');
    expect(reply.text).toContain('name="decision" value="deny"');
    expect(reply.text.match(/type="checkbox" name="scope" value="." checked/g)).toHaveLength(3);
    expect(reply.text).not.toMatch(/<script|onclick|javascript:/i);
  });

  it('offers no checkbox where the user cannot pick', async () => {
    const fixed = new OAuth2Driver(sandbox.provider('fixed'));
    expect((await call('GET', fixed.authorizeUrl())).text).not.toContain('type="checkbox"');
    expect((await fixed.link({ scopes: ['a'] })).fields['scope']).toBe('a b c');
  });

  it('shows outside text only escaped', async () => {
    const { sandbox: other } = await startSandbox({ odd: { ...definition, scopes: ['"><b>&\'c'] } });
    try {
      const page = await call('GET', new OAuth2Driver(other.provider('odd')).authorizeUrl());
      expect(page.text).toContain('value="&quot;&gt;&lt;b&gt;&amp;&#39;c"');
      expect(page.text).not.toContain('<b>');
    } finally {
      await other.stop();
    }
  });

  it('takes one decision per request', async () => {
    const url = `${fake.url}/_consent`;
    const fields = { request: await openForm(), decision: 'approve' };
    expect((await postForm(url, fields)).status).toBe(302);
    expect((await postForm(url, fields)).status).toBe(400);
    expect((await postForm(url, { ...fields, request: 'unknown' })).status).toBe(400);
    expect((await postForm(url, { decision: 'approve' })).status).toBe(400);
  });

  it('expires after ten minutes', async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    clock.advance(600);
    expect((await postForm(`${fake.url}/_consent`, fields)).status).toBe(400);
  });

  it("takes no decision at another provider's address", async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    expect((await postForm(`${sandbox.provider('fixed').url}/_consent`, fields)).status).toBe(400);
  });

  it('refuses an account that is no number, and can then be corrected', async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    for (const account of ['', 'abc', '0', '01', '-1', '1.5', '1234567890123456', '1 ']) {
      const reply = await postForm(`${fake.url}/_consent`, { ...fields, account });
      expect(reply.status).toBe(400);
      expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    }
    expect((await postForm(`${fake.url}/_consent`, { ...fields, account: '123456789012345' })).status).toBe(302);
  });

  it('needs a decision, and at least one ticked scope to approve', async () => {
    const request = await openForm();
    expect((await postForm(`${fake.url}/_consent`, { request })).status).toBe(400);
    expect((await postForm(`${fake.url}/_consent`, { request, decision: 'maybe' })).status).toBe(400);
    expect((await postForm(`${fake.url}/_consent`, { request, decision: 'approve', scope: '' })).status).toBe(400);
    const denied = await postForm(`${fake.url}/_consent`, { request, decision: 'deny', scope: '' });
    expect(denied.headers['location']).toContain('error=access_denied');
  });

  it('grants the ticked ones of the requested scopes, within the limit of a test', async () => {
    expect((await driver.link({ scopes: ['a', 'c'] })).fields['scope']).toBe('a c');
    const code = await driver.code({ scopes: ['a', 'c'] }, { scope: 'a b' });
    expect(json(await driver.exchange(code))['scope']).toBe('a');
    fake.restrictScopes(['b', 'x']);
    expect((await driver.link()).fields['scope']).toBe('b');
    fake.restrictScopes(undefined);
    expect((await driver.link()).fields['scope']).toBe('a b c');
  });
});

describe('orders from a test', () => {
  it('expire the access tokens of now, not those of later', async () => {
    const before = await driver.link();
    expect(fake.isLiveAccessToken(before.accessToken)).toBe(true);
    fake.expireAccessTokens();
    expect(fake.isLiveAccessToken(before.accessToken)).toBe(false);
    expect((await driver.api(before.accessToken)).status).toBe(401);
    const after = tokens(await driver.refresh(before.refreshToken));
    expect((await driver.api(after.accessToken)).status).toBe(200);
  });

  it('withdraw the consent of one account, or of all', async () => {
    const [one, two] = [await driver.link({ account: '1' }), await driver.link({ account: '2' })];
    expect(fake.liveGrants().map(({ accountId }) => accountId)).toEqual(['1', '2']);
    fake.revokeGrant('1');
    expect((await driver.api(one.accessToken)).status).toBe(401);
    expect(fake.isLiveRefreshToken(one.refreshToken)).toBe(false);
    expect(json(await driver.refresh(one.refreshToken))['error']).toBe('invalid_grant');
    expect((await driver.api(two.accessToken)).status).toBe(200);
    fake.revokeGrant('all');
    expect(fake.liveGrants()).toEqual([]);
  });

  it('shorten the life of access tokens', async () => {
    fake.accessTokenLifetimeSeconds = 2;
    const { accessToken, fields } = await driver.link();
    expect(fields['expires_in']).toBe(2);
    clock.advance(2);
    expect((await driver.api(accessToken)).status).toBe(401);
    expect(() => (fake.accessTokenLifetimeSeconds = 0.5)).toThrow(RangeError);
    expect(() => (sandbox.provider('old').accessTokenLifetimeSeconds = 2)).toThrow(RangeError);
  });

  it('are refused where the provider has no such endpoint, or the number of times is odd', () => {
    const drop = (endpoint: string): Misbehaviour => ({ type: 'drop', endpoint }) as Misbehaviour;
    expect(() => fake.misbehave(drop('request_token'))).toThrow('no endpoint');
    expect(() => sandbox.provider('old').misbehave(drop('refresh'))).toThrow('no endpoint');
    expect(() => sandbox.provider('old').misbehave(drop('account'))).toThrow('no endpoint');
    expect(() => sandbox.provider('old').misbehave(drop('revoke'))).toThrow('no endpoint');
    expect(() => fake.misbehave(drop('authorize'))).toThrow();
    for (const times of [0, -1, 1.5, Number.NaN]) {
      expect(() => fake.misbehave(drop('api'), times)).toThrow(RangeError);
    }
  });
});

describe('misbehaviour', () => {
  const at = (behaviour: Record<string, unknown>): Misbehaviour =>
    ({ endpoint: 'refresh', ...behaviour }) as Misbehaviour;

  it('lasts as many calls of its endpoint as ordered, one order after the other', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave({ endpoint: 'refresh', type: 'status', code: 503 }, 2);
    fake.misbehave({ endpoint: 'refresh', type: 'status', code: 502 });
    expect((await driver.exchange(await driver.code())).status).toBe(200);
    const statuses = [];
    for (let count = 0; count < 4; count += 1) {
      statuses.push((await driver.refresh(refreshToken)).status);
    }
    expect(statuses).toEqual([503, 503, 502, 200]);
  });

  it('lasts for ever with Infinity, until the fake is told to behave', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave({ endpoint: 'refresh', type: 'error', error: 'invalid_grant', status: 400 }, Infinity);
    for (let count = 0; count < 5; count += 1) {
      const reply = await driver.refresh(refreshToken);
      expect([reply.status, json(reply)['error']]).toEqual([400, 'invalid_grant']);
    }
    fake.behave();
    expect((await driver.refresh(refreshToken)).status).toBe(200);
  });

  it.each([
    ['token', () => driver.exchange('any')],
    ['refresh', () => driver.refresh('any')],
    ['revoke', () => driver.api('any', '/revoke', 'DELETE')],
    ['account', () => driver.api('any', '/me')],
    ['api', () => driver.api('any')],
  ] as const)('reaches the endpoint %s', async (endpoint, use) => {
    fake.misbehave({ endpoint, type: 'status', code: 418 });
    expect((await use()).status).toBe(418);
    expect(fake.history.at(-1)).toMatchObject({
      kind: endpoint,
      outcome: 'status',
      misbehaviour: 'status',
      status: 418,
    });
  });

  it('status: with body, content type and headers', async () => {
    fake.misbehave(
      at({ type: 'status', code: 429, body: '<p>', contentType: 'text/html', headers: { 'Retry-After': '7' } }),
    );
    const reply = await driver.refresh('any');
    expect([reply.status, reply.text, reply.headers['content-type'], reply.headers['retry-after']]).toEqual([
      429,
      '<p>',
      'text/html',
      '7',
    ]);
  });

  it('html, emptyBody, errorIn200 and redirect', async () => {
    fake.misbehave(at({ type: 'html' }));
    const html = await driver.refresh('any');
    expect([html.status, html.headers['content-type']]).toEqual([200, 'text/html']);
    fake.misbehave(at({ type: 'emptyBody' }));
    const empty = await driver.refresh('any');
    expect([empty.status, empty.text]).toEqual([200, '']);
    fake.misbehave(at({ type: 'errorIn200', error: 'invalid_grant' }));
    const error = await driver.refresh('any');
    expect([error.status, json(error)['error']]).toEqual([200, 'invalid_grant']);
    fake.misbehave(at({ type: 'redirect', status: 307, location: 'http://127.0.0.1:1/' }));
    const moved = await driver.refresh('any');
    expect([moved.status, moved.headers['location']]).toEqual([307, 'http://127.0.0.1:1/']);
  });

  it('echoSecret: quotes what was presented', async () => {
    fake.misbehave(at({ type: 'echoSecret', error: 'invalid_grant', status: 400 }));
    const reply = await driver.refresh('the presented+token');
    expect(json(reply)['error']).toBe('invalid_grant');
    expect(json(reply)['error_description']).toContain('the presented+token');
    expect(json(reply)['error_description']).toContain('not-a-real-secret');
  });

  it('drop: before the request is processed, so that the token is still good', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type: 'drop', processed: false }));
    await expect(driver.refresh(refreshToken)).rejects.toThrow();
    expect(fake.history.at(-1)).toMatchObject({ kind: 'refresh', outcome: 'drop', status: 0 });
    expect(fake.isLiveRefreshToken(refreshToken)).toBe(true);
  });

  it('drop: after the token was rotated, so that the response is lost', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type: 'drop', processed: true }));
    await expect(driver.refresh(refreshToken)).rejects.toThrow();
    expect(fake.history.at(-1)).toMatchObject({ outcome: 'ok', misbehaviour: 'drop', status: 0 });
    expect(fake.isLiveRefreshToken(refreshToken)).toBe(false);
  });

  it('processes before any wrong response where ordered so', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type: 'status', code: 502, processed: true }));
    expect((await driver.refresh(refreshToken)).status).toBe(502);
    expect(fake.isLiveRefreshToken(refreshToken)).toBe(false);
  });

  it('slow: is in flight until the response, the token already rotated unless ordered otherwise', async () => {
    for (const [processed, live] of [
      [undefined, false],
      [false, true],
    ] as const) {
      const { refreshToken } = await driver.link();
      fake.misbehave(at({ type: 'slow', ms: 600_000, ...(processed === undefined ? {} : { processed }) }));
      const controller = new AbortController();
      const pending = request(`${fake.url}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
          client_id: 'sandbox-one-client',
          client_secret: 'sandbox:one%+ &-not-a-real-secret',
        }).toString(),
        signal: controller.signal,
      });
      const settled = expect(pending).rejects.toThrow();
      await until(() => fake.history.at(-1)?.kind === 'refresh');
      expect(fake.history.at(-1)?.endsAt).toBeUndefined();
      expect(fake.isLiveRefreshToken(refreshToken)).toBe(live);
      controller.abort();
      await settled;
    }
  });

  it('slow: responds rightly afterwards, and is cut off by stop', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type: 'slow', ms: 1 }));
    const reply = await driver.refresh(refreshToken);
    expect(reply.status).toBe(200);
    fake.misbehave(at({ type: 'slow', ms: 600_000 }));
    const cut = expect(driver.refresh(tokens(reply).refreshToken)).rejects.toThrow();
    await until(() => fake.history.at(-1)?.endsAt === undefined);
    await sandbox.stop();
    await cut;
  });

  it('slow: responds at once when the fake is told to behave', async () => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type: 'slow', ms: 600_000 }));
    const reply = driver.refresh(refreshToken);
    await until(() => fake.history.at(-1)?.kind === 'refresh');
    fake.behave();
    expect((await reply).status).toBe(200);
  });

  it('hugeBody and gzipBomb: as many bytes as ordered', async () => {
    fake.misbehave(at({ type: 'hugeBody', bytes: 3_000_001 }));
    const huge = await driver.refresh('any');
    expect(String(json(huge)['access_token'])).toHaveLength(3_000_001);
    fake.misbehave(at({ type: 'gzipBomb', bytes: 3_000_001 }));
    const bomb = await request(`${fake.url}/token`, { method: 'POST', body: 'grant_type=refresh_token' });
    const packed = Buffer.from(await bomb.body.arrayBuffer());
    expect(bomb.headers['content-encoding']).toBe('gzip');
    expect(packed.length).toBeLessThan(30_000);
    expect(gunzipSync(packed).length).toBeGreaterThan(3_000_000);
  });

  it.each<[string, Record<string, unknown>, string, unknown]>([
    ['omitExpiresIn', {}, 'expires_in', undefined],
    ['expiresIn', { value: '3600' }, 'expires_in', '3600'],
    ['expiresIn', { value: null }, 'expires_in', null],
    ['expiresIn', { value: -1 }, 'expires_in', -1],
    ['expiresIn', { value: { a: [1] } }, 'expires_in', { a: [1] }],
    ['scope', { scopes: ['a', 'b'] }, 'scope', 'a b'],
    ['badTokenType', {}, 'token_type', 'mac'],
    ['badTokenType', { value: 7 }, 'token_type', 7],
    ['fields', { values: { scope: ['a'] } }, 'scope', ['a']],
    ['fields', { values: { token_type: null } }, 'token_type', undefined],
  ])('%s %j at the exchange and at a refresh', async (type, options, field, expected) => {
    fake.misbehave({ endpoint: 'token', type, ...options } as Misbehaviour);
    fake.misbehave(at({ type, ...options }));
    const { refreshToken, fields } = await driver.link();
    expect(fields[field]).toEqual(expected);
    const refreshed = json(await driver.refresh(refreshToken));
    expect(refreshed[field]).toEqual(expected);
    expect(fake.isLiveAccessToken(String(refreshed['access_token']))).toBe(true);
  });

  it('scope: the grant shrinks for good', async () => {
    fake.misbehave({ endpoint: 'refresh', type: 'scope', scopes: ['a'] });
    const first = tokens(await driver.refresh((await driver.link()).refreshToken));
    expect(json(await driver.refresh(first.refreshToken))['scope']).toBe('a');
    expect(fake.liveGrants()[0]?.scopes).toEqual(['a']);
  });

  it.each([
    ['omitRefreshToken', undefined],
    ['emptyRefreshToken', ''],
  ])('%s: the presented refresh token stays good', async (type, expected) => {
    const { refreshToken } = await driver.link();
    fake.misbehave(at({ type }));
    expect(json(await driver.refresh(refreshToken))['refresh_token']).toBe(expected);
    expect(fake.isLiveRefreshToken(refreshToken)).toBe(true);
    fake.misbehave({ endpoint: 'token', type } as Misbehaviour);
    expect((await driver.link()).fields['refresh_token']).toBe(expected);
  });

  it('leaves a refusal as it is, where only fields of a right response would change', async () => {
    fake.misbehave(at({ type: 'badTokenType' }));
    const refused = json(await driver.refresh('unknown'));
    expect(refused['error']).toBe('invalid_grant');
    expect(refused).not.toHaveProperty('token_type');
  });

  it.each([
    [undefined, null],
    ['omit', null],
    ['false', 'false'],
  ] as const)('callbackNotConfirmed %s', async (value, expected) => {
    const old = sandbox.provider('old');
    old.misbehave({
      endpoint: 'request_token',
      type: 'callbackNotConfirmed',
      ...(value === undefined ? {} : { value }),
    });
    const signing = { slug: 'old', timestampSeconds: clock.ms / 1000, extra: { oauth_callback: callback } };
    const form = new URLSearchParams((await signedCall('POST', `${old.url}/request_token`, signing)).text);
    expect(form.get('oauth_callback_confirmed')).toBe(expected);
    expect(form.get('oauth_token')).not.toBeNull();
  });
});

describe('history', () => {
  it('lists every call in order, with the family from exchange to revocation, and no secret', async () => {
    const { accessToken, refreshToken } = await driver.link();
    clock.advance(5);
    const next = tokens(await driver.refresh(refreshToken));
    await driver.refresh(refreshToken);
    await driver.api(next.accessToken, '/me');
    await driver.api('unknown');
    await driver.api(next.accessToken, '/revoke', 'DELETE');
    const entries = fake.history;
    expect(entries.map(({ kind, outcome, status }) => [kind, outcome, status])).toEqual([
      ['authorize', 'ok', 200],
      ['consent', 'ok', 302],
      ['token', 'ok', 200],
      ['refresh', 'ok', 200],
      ['refresh', 'invalid_grant', 400],
      ['account', 'ok', 200],
      ['api', 'invalid_token', 401],
      ['revoke', 'ok', 204],
    ]);
    const family = entries[2]?.familyId;
    expect(entries.map((entry) => entry.familyId === family)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(entries[3]).toMatchObject({ at: clock.ms, endsAt: clock.ms });
    expect(entries[3]?.refreshTokenFingerprint).toBe(sha256Fingerprint(refreshToken));
    expect(entries[5]?.authorizationScheme).toBe('bearer');
    for (const secret of [accessToken, refreshToken, next.accessToken, next.refreshToken, 'not-a-real']) {
      expect(JSON.stringify(entries)).not.toContain(secret);
    }
  });

  it('records why an authorize request was refused', async () => {
    await call('GET', driver.authorizeUrl({ client_id: 'other' }));
    await call('GET', driver.authorizeUrl({ scope: 'unknown' }));
    expect(fake.history.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['unauthorized_client', 400],
      ['invalid_scope', 302],
    ]);
  });
});

describe('control over HTTP', () => {
  it('obeys orders, and shows the history', async () => {
    const { accessToken, refreshToken } = await driver.link();
    const misbehave = { endpoint: 'refresh', type: 'status', code: 503 };
    expect(
      (await order({ misbehave, times: 'forever', accessTokenLifetimeSeconds: 9, expireAccessTokens: true })).status,
    ).toBe(200);
    expect((await driver.api(accessToken)).status).toBe(401);
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    await order({ behave: true, misbehave, times: 1 });
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    expect(json(await driver.refresh(refreshToken))['expires_in']).toBe(9);
    await order({ revokeGrant: '1001', restrictScopes: ['a'] });
    expect(fake.liveGrants()).toEqual([]);
    expect((await driver.link()).fields['scope']).toBe('a');
    await order({ restrictScopes: null });
    expect((await driver.link()).fields['scope']).toBe('a b c');
    const shown = json(await call('GET', `${sandbox.url}/_control/one/history`));
    expect(shown).toEqual({ history: JSON.parse(JSON.stringify(fake.history)) as unknown });
  });

  it('refuses unknown orders', async () => {
    expect((await order({ misbehave: { endpoint: 'refresh', type: 'unheard of' } })).status).toBe(400);
    expect((await order({ misbehave: { endpoint: 'api', type: 'omitExpiresIn' } })).status).toBe(400);
    expect((await order({ misbehave: { endpoint: 'request_token', type: 'drop' } })).status).toBe(400);
    expect((await order({ misspelt: true })).status).toBe(400);
    expect((await order({ times: 0 })).status).toBe(400);
    expect((await order({ accessTokenLifetimeSeconds: 5 }, 'old')).status).toBe(400);
    expect((await order({ behave: true }, 'one', 'text/plain')).status).toBe(415);
    expect((await order({ behave: true }, 'unknown')).status).toBe(404);
    expect((await call('GET', `${sandbox.url}/_control/one`)).status).toBe(405);
    expect((await call('POST', `${sandbox.url}/_control/one/history`)).status).toBe(405);
    expect((await call('GET', `${sandbox.url}/_control/one/other`)).status).toBe(404);
    const headers = { 'content-type': 'application/json' };
    expect((await call('POST', `${sandbox.url}/_control/one`, { headers, body: '{' })).status).toBe(400);
  });
});

describe('server', () => {
  it('lists its providers, and knows no other', async () => {
    const index = await call('GET', `${sandbox.url}/`);
    expect(index.status).toBe(200);
    expect(index.text).toContain(fake.url);
    expect(fake.url).toBe(`${sandbox.url}/one`);
    expect((await call('POST', `${sandbox.url}/`)).status).toBe(405);
    expect((await call('GET', `${sandbox.url}/unknown/data`)).status).toBe(404);
    expect((await call('GET', `${sandbox.url}/one`)).status).toBe(404);
    expect(() => sandbox.provider('unknown')).toThrow('no provider "unknown"');
  });

  it('takes further providers while it runs', async () => {
    sandbox.add('later', definition);
    expect((await new OAuth2Driver(sandbox.provider('later')).link()).fields['scope']).toBe('a b c');
  });

  it('listens on loopback on the port that was requested, and says when it is taken', async () => {
    const port = Number(new URL(sandbox.url).port);
    await expect(VendorSandbox.start({ providers: new Map(), port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await sandbox.stop();
    const again = await VendorSandbox.start({ providers: new Map(), port, publicHost: 'localhost' });
    expect(again.url).toBe(`http://localhost:${port}`);
    await again.stop();
    await again.stop();
  });

  it('refuses a body above 1 MiB, a repeated Authorization header, and a target in absolute form', async () => {
    const big = await postForm(`${fake.url}/token`, { a: 'a'.repeat(1_048_576) });
    expect(big.status).toBe(413);
    const lines = 'Host: x\r\nConnection: close\r\n';
    const twice = await raw(
      `GET /one/data HTTP/1.1\r\n${lines}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`,
    );
    expect(twice).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(`GET http://x/one/data HTTP/1.1\r\n${lines}\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });
});

async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
  socket.write(text);
  let response = '';
  for await (const chunk of socket) {
    response += String(chunk);
  }
  return response;
}

/** Waits, turn by turn of the event loop, until the request has arrived. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
