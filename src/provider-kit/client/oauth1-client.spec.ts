import { describe, expect, it } from '@jest/globals';
import { canary, errorOf } from '../testing/canary.js';
import { jsonResponse, now, only, temporary, tokenBody, verified, useClientBench } from '../testing/client-bench.js';
import { exampleOAuth1, exampleOAuth2 } from '../testing/example-definition.js';
import type { PreparedResponse } from '../testing/recording-server.js';

const bench = useClientBench();

describe('temporaryCredentials', () => {
  it.each(['HMAC-SHA1', 'HMAC-SHA256'] as const)(
    'signs the callback with %s and sends it in the header (O1-04, O1-10)',
    async (signatureMethod) => {
      const { server, oauth1Settings: settings } = await bench().provider({ body: temporary });
      const callback = 'https://app.example/callback?state=a+b%20c';
      const credentials = await bench().oauth1.temporaryCredentials(
        { ...exampleOAuth1, signatureMethod },
        settings,
        callback,
      );
      expect(credentials).toEqual({ token: 'tmp', tokenSecret: 'tmpSecret' });
      const request = only(server);
      expect(request).toMatchObject({
        method: 'POST',
        target: '/request_token',
        body: '',
        headers: { 'content-length': '0' },
      });
      const parameters = verified(request, server.url, {}, signatureMethod);
      expect(Object.fromEntries(parameters)).toMatchObject({
        oauth_callback: callback,
        oauth_timestamp: String(now.getTime() / 1000),
        oauth_version: '1.0',
      });
      expect(parameters.has('oauth_token')).toBe(false);
    },
  );

  it.each(['', '&oauth_callback_confirmed=false'])(
    'refuses a response that does not confirm the callback: %j (O1-04)',
    async (rest) => {
      const { oauth1Settings: settings } = await bench().provider({
        body: `oauth_token=${canary}&oauth_token_secret=${canary}${rest}`,
      });
      const error = await errorOf(
        bench().oauth1.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'),
      );
      expect(error).toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
        message: expect.stringContaining('"oauth_callback_confirmed"'),
      });
    },
  );

  it.each([400, 401, 403])('blames our credentials for HTTP %i', async (status) => {
    const { oauth1Settings: settings } = await bench().provider({
      status,
      body: `oauth_problem=signature_invalid&debug=${canary}`,
    });
    const error = await errorOf(
      bench().oauth1.temporaryCredentials(exampleOAuth1, settings, `https://app.example/?${canary}`),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', detail: `HTTP ${status}, signature_invalid` });
  });

  it.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [408, 'PROVIDER_UNAVAILABLE'],
    [503, 'PROVIDER_UNAVAILABLE'],
  ])('reports HTTP %i as %s', async (status, expected) => {
    const { oauth1Settings: settings } = await bench().provider({ status, body: canary });
    const error = await errorOf(bench().oauth1.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'));
    expect(error).toMatchObject({ code: expected });
  });

  it('uses a new nonce for every request (O1-03)', async () => {
    const { server, oauth1Settings: settings } = await bench().provider({ body: temporary });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await bench().oauth1.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb');
    }
    const nonces = server.requests.map((request) => verified(request, server.url).get('oauth_nonce'));
    expect(new Set(nonces).size).toBe(3);
  });
});

describe('errors of OAuth 1.0a with HTTP 200', () => {
  const fatsecret = {
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0"?><error><code>8</code><message>${canary}</message></error>`,
  };

  it('are named at the first step, and mean us (O1-10)', async () => {
    const { oauth1Settings: settings } = await bench().provider(fatsecret);
    const error = await errorOf(bench().oauth1.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'));
    expect(error).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', detail: 'HTTP 200, XML error 8' });
  });

  it('are named at the last step, and refuse the verifier (O1-10)', async () => {
    const { oauth1Settings: settings } = await bench().provider({ body: `{"error":{"code":9,"message":"${canary}"}}` });
    const secrets = { token: canary, tokenSecret: canary, verifier: canary };
    const error = await errorOf(bench().oauth1.tokenCredentials(exampleOAuth1, settings, secrets));
    expect(error).toMatchObject({ code: 'AUTHORIZATION_CODE_REFUSED', detail: 'HTTP 200, JSON error 9' });
  });
});

describe('tokenCredentials', () => {
  const credentials = { token: 'tmp', tokenSecret: 'tmp secret', verifier: 'the/verifier+1' };

  it('signs the verifier and sends it in the header; returns the token response (O1-10)', async () => {
    const { server, oauth1Settings: settings } = await bench().provider({
      body: 'oauth_token=T&oauth_token_secret=S&encoded_user_id=U1',
    });
    const tokenResponse = await bench().oauth1.tokenCredentials(exampleOAuth1, settings, credentials);
    const request = only(server);
    expect(request).toMatchObject({ method: 'POST', target: '/access_token', body: '' });
    const parameters = verified(request, server.url, { tmp: 'tmp secret' });
    expect(Object.fromEntries(parameters)).toMatchObject({ oauth_token: 'tmp', oauth_verifier: 'the/verifier+1' });
    expect({ ...tokenResponse }).toMatchObject({
      accessToken: 'T',
      tokenSecret: 'S',
      refreshToken: undefined,
      expiresInSeconds: undefined,
      providerUserId: 'U1',
      requestedAt: now,
    });
  });

  it.each<[title: string, response: PreparedResponse, expected: object]>([
    ['HTTP 401', { status: 401, body: canary }, { code: 'AUTHORIZATION_CODE_REFUSED', detail: 'HTTP 401' }],
    ['HTTP 400', { status: 400 }, { code: 'AUTHORIZATION_CODE_REFUSED', detail: 'HTTP 400' }],
    [
      'token_rejected',
      { status: 401, body: 'oauth_problem=token_rejected' },
      { code: 'AUTHORIZATION_CODE_REFUSED', detail: 'HTTP 401, token_rejected' },
    ],
    ['signature_invalid', { status: 401, body: 'oauth_problem=signature_invalid' }, { code: 'PROVIDER_MISCONFIGURED' }],
    ['HTTP 429', { status: 429 }, { code: 'PROVIDER_RATE_LIMITED' }],
    ['HTTP 500', { status: 500, body: canary }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['no token secret', { body: `oauth_token=${canary}` }, { code: 'TOKEN_RESPONSE_INVALID' }],
    [
      'a repeated field',
      { body: `oauth_token=${canary}&oauth_token=b&oauth_token_secret=c` },
      { code: 'TOKEN_RESPONSE_INVALID' },
    ],
  ])('reports %s', async (_, response, expected) => {
    const { server, oauth1Settings: settings } = await bench().provider(response);
    const secrets = { token: canary, tokenSecret: canary, verifier: canary };
    expect(await errorOf(bench().oauth1.tokenCredentials(exampleOAuth1, settings, secrets))).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });
});

describe('exchangeGrant', () => {
  const tokens = { accessToken: 'T', tokenSecret: 'S' };
  const successor = { ...exampleOAuth2, refreshExpiresInField: 'refresh_token_expires_in' };

  it('signs a POST without a body, sends no code_challenge, and returns the token response of the successor (O1-11)', async () => {
    const response = jsonResponse(200, { ...tokenBody, refresh_token_expires_in: 7_775_998 });
    const { server, oauth1Settings: settings } = await bench().provider(response);
    const endpoints = { ...settings.endpoints, exchangeUrl: `${server.url}/exchange` };
    const exchanged = await bench().oauth1.exchangeGrant(exampleOAuth1, { ...settings, endpoints }, tokens, successor);
    const request = only(server);
    expect(request).toMatchObject({ method: 'POST', target: '/exchange', body: '' });
    expect([...verified(request, server.url, { T: 'S' }).keys()]).not.toContain('code_challenge');
    expect({ ...exchanged }).toMatchObject({
      accessToken: 'newAT',
      refreshToken: 'newRT',
      expiresInSeconds: 3600,
      refreshExpiresInSeconds: 7_775_998,
      tokenSecret: undefined,
      requestedAt: now,
    });
  });

  it.each<[title: string, response: PreparedResponse, expected: object]>([
    ['HTTP 400', { status: 400, body: canary }, { code: 'AUTHORIZATION_FAILED' }],
    [
      'an unknown client',
      { status: 401, body: 'oauth_problem=consumer_key_unknown' },
      { code: 'PROVIDER_MISCONFIGURED' },
    ],
    [
      'HTTP 429',
      { status: 429, headers: { 'retry-after': '7' } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 7 },
    ],
    ['HTTP 503', { status: 503 }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['no access token', jsonResponse(200, { secret: canary }), { code: 'TOKEN_RESPONSE_INVALID' }],
  ])('reports %s', async (_, response, expected) => {
    const { server, oauth1Settings: settings } = await bench().provider(response);
    const endpoints = { ...settings.endpoints, exchangeUrl: `${server.url}/exchange` };
    const secrets = { accessToken: canary, tokenSecret: canary };
    const exchanging = bench().oauth1.exchangeGrant(exampleOAuth1, { ...settings, endpoints }, secrets, successor);
    expect(await errorOf(exchanging)).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });

  it('refuses settings without an endpoint', async () => {
    const { oauth1Settings: settings } = await bench().provider({});
    await expect(bench().oauth1.exchangeGrant(exampleOAuth1, settings, tokens, successor)).rejects.toThrow(
      'does not exchange grants',
    );
  });
});

describe('revoke', () => {
  it('proof signature: signs with client and token', async () => {
    const { server, oauth1Settings: settings } = await bench().provider({ status: 204 });
    await bench().oauth1.revoke(exampleOAuth1, settings, { accessToken: 'theToken', tokenSecret: 'the secret' });
    const parameters = verified(only(server), server.url, { theToken: 'the secret' });
    expect(only(server)).toMatchObject({ method: 'DELETE', target: '/revoke' });
    expect(parameters.get('oauth_token')).toBe('theToken');
  });
});

describe('getJson', () => {
  it('OAuth 1.0a: signs the request, query included', async () => {
    const { server, oauth1Settings: settings } = await bench().provider(jsonResponse(200, { id: 1 }));
    const url = `${server.url}/me?b=r+b&c%40=&a=%c3%bc&a=1`;
    await bench().oauth1.getJson(exampleOAuth1, settings, url, { accessToken: 'T', tokenSecret: 'S' });
    expect(verified(only(server), server.url, { T: 'S' }).get('oauth_token')).toBe('T');
  });
});
