import { describe, expect, it } from '@jest/globals';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { canary, errorOf } from '../testing/canary.js';
import { code, html, json, jsonResponse, temporary, tokenBody, useClientBench } from '../testing/client-bench.js';
import { exampleOAuth1, exampleOAuth1Settings, exampleOAuth2, exampleSettings } from '../testing/example-definition.js';
import type { PreparedResponse } from '../testing/recording-server.js';

const bench = useClientBench();

describe('every endpoint of both versions of OAuth', () => {
  it('distinguishes HTTP 410 at every endpoint, with any body', async () => {
    const { server, settings, oauth1Settings } = await bench().provider(jsonResponse(410, { error: 'invalid_grant' }));
    const tokens = { accessToken: canary, refreshToken: canary };
    const calls = [
      () => bench().oauth2.refresh(exampleOAuth2, settings, tokens),
      () => bench().oauth2.exchangeCode(exampleOAuth2, settings, { ...code, code: canary }),
      () => bench().oauth2.revoke(exampleOAuth2, settings, tokens),
      () => bench().oauth1.revoke(exampleOAuth1, oauth1Settings, { accessToken: canary, tokenSecret: canary }),
      () => bench().oauth2.getJson(exampleOAuth2, settings, `${server.url}/me`, tokens),
      () => bench().oauth2.getPublicJson(exampleOAuth2, `${server.url}/metadata`),
      () => bench().oauth2.post(exampleOAuth2, settings, { url: `${server.url}/own`, tokens, json: {} }),
      () => bench().oauth1.temporaryCredentials(exampleOAuth1, oauth1Settings, 'https://app.example/callback'),
      () =>
        bench().oauth1.tokenCredentials(exampleOAuth1, oauth1Settings, {
          token: canary,
          tokenSecret: canary,
          verifier: canary,
        }),
    ];
    for (const call of calls) {
      expect(await errorOf(call())).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered', isGone: true });
    }
    expect(server.requests).toHaveLength(calls.length);
  });

  it.each([301, 302, 303, 307, 308])('does not carry secrets to where HTTP %i points (TE-03)', async (status) => {
    const other = await bench().provider(jsonResponse(200, tokenBody));
    const { server, settings, oauth1Settings } = await bench().provider({
      status,
      headers: { location: `${other.server.url}/token` },
    });
    const tokens = { accessToken: canary, refreshToken: canary };
    for (const call of [
      () => bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
      () => bench().oauth2.exchangeCode(exampleOAuth2, settings, { ...code, code: canary }),
      () => bench().oauth2.revoke(exampleOAuth2, settings, tokens),
      () => bench().oauth2.getJson(exampleOAuth2, settings, `${server.url}/me`, tokens),
      () => bench().oauth1.temporaryCredentials(exampleOAuth1, oauth1Settings, 'https://app.example/callback'),
      () =>
        bench().oauth1.tokenCredentials(exampleOAuth1, oauth1Settings, {
          token: canary,
          tokenSecret: canary,
          verifier: canary,
        }),
    ]) {
      expect(await errorOf(call())).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
    }
    expect(server.requests).toHaveLength(6);
    expect(other.server.requests).toHaveLength(0);
  });
});

describe('revoke', () => {
  const tokens = { accessToken: 'theAT', refreshToken: 'theRT' };

  it.each<[title: string, response: PreparedResponse, expected: object]>([
    [
      'HTTP 401',
      jsonResponse(401, { errors: [{ message: canary }] }),
      { code: 'AUTHORIZATION_FAILED', detail: 'HTTP 401' },
    ],
    ['HTTP 403', { status: 403, headers: html, body: canary }, { code: 'AUTHORIZATION_FAILED', detail: 'HTTP 403' }],
    ['HTTP 404', { status: 404 }, { code: 'AUTHORIZATION_FAILED', detail: 'HTTP 404' }],
    [
      'unsupported_token_type',
      jsonResponse(400, { error: 'unsupported_token_type' }),
      { code: 'AUTHORIZATION_FAILED' },
    ],
    ['invalid_client', jsonResponse(401, { error: 'invalid_client' }), { code: 'PROVIDER_MISCONFIGURED' }],
    [
      'HTTP 429',
      { status: 429, headers: { 'retry-after': '9' } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 9 },
    ],
    [
      'HTTP 503',
      { status: 503, headers: { 'retry-after': '9' } },
      { code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 9 },
    ],
  ])('reports %s', async (_, response, expected) => {
    const { settings, oauth1Settings } = await bench().provider(response);
    const revocation = { proof: 'bearer', method: 'DELETE', url: 'https://provider.example/x' } as const;
    const secrets = { accessToken: canary, refreshToken: canary, tokenSecret: canary };
    for (const definition of [exampleOAuth2, { ...exampleOAuth2, revocation }]) {
      expect(await errorOf(bench().oauth2.revoke(definition, settings, secrets))).toMatchObject(expected);
    }
    expect(await errorOf(bench().oauth1.revoke(exampleOAuth1, oauth1Settings, secrets))).toMatchObject(expected);
  });

  it('refuses a definition that has no revocation, or one of the other OAuth version', async () => {
    const { server, settings, oauth1Settings } = await bench().provider({ status: 200 });
    const method = 'POST' as const;
    const url = 'https://provider.example/x';
    const calls = [
      () => bench().oauth2.revoke({ ...exampleOAuth2, revocation: undefined }, settings, tokens),
      () =>
        bench().oauth2.revoke({ ...exampleOAuth2, revocation: { proof: 'signature', method, url } }, settings, tokens),
      () =>
        bench().oauth1.revoke(
          { ...exampleOAuth1, revocation: { proof: 'client', method, url } },
          oauth1Settings,
          tokens,
        ),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toThrow(/^Provider "example"/);
    }
    expect(server.requests).toHaveLength(0);
  });
});

describe('getJson', () => {
  it.each<[title: string, response: PreparedResponse, expected: object]>([
    [
      'HTTP 401',
      jsonResponse(401, { error: 'invalid_token', error_description: canary }),
      { code: 'AUTHORIZATION_FAILED', detail: 'HTTP 401, invalid_token' },
    ],
    ['HTTP 404', { status: 404, body: canary }, { code: 'AUTHORIZATION_FAILED', detail: 'HTTP 404' }],
    ['HTTP 429', { status: 429 }, { code: 'PROVIDER_RATE_LIMITED' }],
    ['HTTP 502', { status: 502, headers: html, body: canary }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['an HTML page', { headers: html, body: canary }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['broken JSON', { headers: json, body: `{"${canary}` }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
  ])('reports %s', async (_, response, expected) => {
    const { server, settings, oauth1Settings } = await bench().provider(response);
    const secrets = { accessToken: canary, tokenSecret: canary };
    const url = `${server.url}/me`;
    expect(await errorOf(bench().oauth2.getJson(exampleOAuth2, settings, url, secrets))).toMatchObject(expected);
    expect(await errorOf(bench().oauth1.getJson(exampleOAuth1, oauth1Settings, url, secrets))).toMatchObject(expected);
  });
});

describe('outbound URLs (TE-02)', () => {
  it('hold no code, verifier, token or secret after any call', async () => {
    const responses: Readonly<Record<string, PreparedResponse>> = {
      '/token': jsonResponse(200, tokenBody),
      '/request_token': { body: temporary },
      '/access_token': { body: 'oauth_token=T&oauth_token_secret=S' },
    };
    const server = await bench().start(({ target }) => responses[target] ?? jsonResponse(200, {}));
    const settings = exampleSettings(server.url);
    const oauth1Settings = exampleOAuth1Settings(server.url);
    const tokens = { accessToken: canary, refreshToken: canary, tokenSecret: canary };
    const definitions: readonly OAuth2Definition[] = [
      exampleOAuth2,
      { ...exampleOAuth2, clientAuthentication: 'body' },
      { ...exampleOAuth2, clientAuthentication: 'none' },
      { ...exampleOAuth2, revocation: { proof: 'bearer', method: 'GET', url: 'https://provider.example/x' } },
    ];
    for (const definition of definitions) {
      await bench().oauth2.exchangeCode(definition, settings, { ...code, code: canary, codeVerifier: canary });
      await bench().oauth2.refresh(definition, settings, { accessToken: 'oldAT', refreshToken: canary });
      await bench().oauth2.revoke(definition, settings, tokens);
      await bench().oauth2.getJson(definition, settings, `${server.url}/api/me`, tokens);
    }
    await bench().oauth1.temporaryCredentials(
      exampleOAuth1,
      oauth1Settings,
      `https://app.example/callback?state=${canary}`,
    );
    await bench().oauth1.tokenCredentials(exampleOAuth1, oauth1Settings, {
      token: canary,
      tokenSecret: canary,
      verifier: canary,
    });
    await bench().oauth1.revoke(exampleOAuth1, oauth1Settings, tokens);
    await bench().oauth1.getJson(exampleOAuth1, oauth1Settings, `${server.url}/api/me`, tokens);
    expect(new Set(server.requests.map(({ target }) => target))).toEqual(
      new Set(['/token', '/revoke', '/api/me', '/request_token', '/access_token']),
    );
    expect(server.requests).toHaveLength(20);
  });
});
