import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { Misbehaviour } from './misbehaviour.js';
import { callback, json, signedCall, tokens } from './testing/sandbox-driver.js';
import { request } from './testing/request.js';
import { clock, driver, fake, sandbox, useSandbox } from './testing/sandbox-bench.js';

useSandbox();

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

  it('lasts until the test ends it, with Infinity', async () => {
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

  it('slow: responds at once when the test ends the misbehavior', async () => {
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

/** Waits, turn by turn of the event loop, until the request has arrived. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
