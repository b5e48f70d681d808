import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { canary, errorOf } from '../testing/canary.js';
import { code, formOf, jsonResponse, now, only, tokenBody, useClientBench } from '../testing/client-bench.js';
import { exampleOAuth2, exampleSettings } from '../testing/example-definition.js';
import type { PreparedResponse } from '../testing/recording-server.js';
import { makeTestCertificate } from '../testing/test-certificate.js';
import { OAuth2Client } from './oauth2-client.js';

const bench = useClientBench();

describe('exchangeCode', () => {
  it('sends code, redirect URI and verifier in the form and returns the token response', async () => {
    const { server, settings } = await bench().provider(
      jsonResponse(200, { ...tokenBody, scope: 'sleep', user_id: 'U1' }),
    );
    const tokenResponse = await bench().oauth2.exchangeCode(exampleOAuth2, settings, {
      ...code,
      codeVerifier: 'the~verifier',
    });
    const request = only(server);
    expect(request).toMatchObject({ method: 'POST', target: '/token', headers: { accept: 'application/json' } });
    expect(formOf(request)).toEqual({
      grant_type: 'authorization_code',
      code: 'the/code+1',
      redirect_uri: 'https://app.example/callback?a=1',
      code_verifier: 'the~verifier',
    });
    expect({ ...tokenResponse }).toMatchObject({
      accessToken: 'newAT',
      refreshToken: 'newRT',
      expiresInSeconds: 3600,
      grantedScopes: ['sleep'],
      providerUserId: 'U1',
      requestedAt: now,
    });
  });

  it('sends no verifier when there is none', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.exchangeCode(exampleOAuth2, settings, code);
    expect(formOf(only(server))).not.toHaveProperty('code_verifier');
  });

  it('counts the life of the tokens from before the request left', async () => {
    let ticks = 0;
    const server = await bench().start(() => {
      ticks += 1000;
      return jsonResponse(200, tokenBody);
    });
    const slow = new OAuth2Client(bench().http, Object.assign(new Clock(), { now: () => new Date(ticks) }));
    const tokenResponse = await slow.exchangeCode(exampleOAuth2, exampleSettings(server.url), code);
    expect(tokenResponse.requestedAt).toEqual(new Date(0));
  });
});

describe('client authentication (TE-01)', () => {
  /** The id `client:1 ü` and the secret `a:b%+ &ü`, encoded by hand as RFC 6749 section 2.3.1 says. */
  const basic = `Basic ${Buffer.from('client%3A1+%C3%BC:a%3Ab%25%2B+%26%C3%BC').toString('base64')}`;

  it('basic: form-urlencodes id and secret, and puts neither into the form', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: 'oldRT' });
    const request = only(server);
    expect(request.headers.authorization).toBe(basic);
    expect(formOf(request)).toEqual({ grant_type: 'refresh_token', refresh_token: 'oldRT' });
  });

  it('body: puts id and secret into the form and sends no header', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.refresh({ ...exampleOAuth2, clientAuthentication: 'body' }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
    });
    const request = only(server);
    expect(request.headers.authorization).toBeUndefined();
    expect(formOf(request)).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'oldRT',
      client_id: 'client:1 ü',
      client_secret: 'a:b%+ &ü',
    });
  });

  it('none: puts the id into the form and sends the secret nowhere', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.refresh({ ...exampleOAuth2, clientAuthentication: 'none' }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
    });
    const request = only(server);
    expect(request.headers.authorization).toBeUndefined();
    expect(formOf(request)).toEqual({ grant_type: 'refresh_token', refresh_token: 'oldRT', client_id: 'client:1 ü' });
  });
});

describe('refresh', () => {
  it('sends the scope that the provider asks for', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.refresh({ ...exampleOAuth2, scopeOnRefresh: 'offline' }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
    });
    expect(formOf(only(server))).toMatchObject({ scope: 'offline' });
  });

  it.each([
    ['those of the connection', { scopes: ['one', 'two'] }, 'one two'],
    ['those of the settings where it has none of its own', {}, undefined],
  ])('repeats the scopes where the provider asks for that: %s', async (_, known, expected) => {
    const { server, settings } = await bench().provider(jsonResponse(200, tokenBody));
    await bench().oauth2.refresh({ ...exampleOAuth2, scopeOnRefresh: true }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
      ...known,
    });
    expect(formOf(only(server))).toMatchObject({ scope: expected ?? settings.scopes.join(' ') });
  });

  it('returns no refresh token when the provider keeps the old one', async () => {
    const { settings } = await bench().provider(jsonResponse(200, { ...tokenBody, refresh_token: null }));
    expect(
      (await bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: 'oldRT' }))
        .refreshToken,
    ).toBeUndefined();
  });

  it('gives up after the time of its refresh policy', async () => {
    const server = await bench().start(() => new Promise<PreparedResponse>(() => undefined));
    const definition = { ...exampleOAuth2, refresh: { ...exampleOAuth2.refresh, timeoutMs: 1_000 } };
    const error = await errorOf(
      bench().oauth2.refresh(definition, exampleSettings(server.url), { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    expect(server.requests).toHaveLength(1);
  });

  it('reports an untrusted certificate as an outage, never as a revoked grant (TE-05)', async () => {
    const server = await bench().start(() => jsonResponse(400, {}), makeTestCertificate({ ip: '127.0.0.1' }));
    const error = await errorOf(
      bench().oauth2.refresh(exampleOAuth2, exampleSettings(server.url), {
        accessToken: 'oldAT',
        refreshToken: canary,
      }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('revoke', () => {
  const tokens = { accessToken: 'theAT', refreshToken: 'theRT' };

  it('proof client: sends the refresh token with client authentication (RFC 7009 section 2.1)', async () => {
    const { server, settings } = await bench().provider({ status: 200 });
    await bench().oauth2.revoke(exampleOAuth2, settings, tokens);
    const request = only(server);
    expect(request).toMatchObject({ method: 'POST', target: '/revoke' });
    expect(request.headers.authorization).toMatch(/^Basic /);
    expect(formOf(request)).toEqual({ token: 'theRT', token_type_hint: 'refresh_token' });
  });

  it('proof client: sends the access token where there is no refresh token', async () => {
    const { server, settings } = await bench().provider({ status: 200 });
    await bench().oauth2.revoke(exampleOAuth2, settings, { accessToken: 'theAT' });
    expect(formOf(only(server))).toEqual({ token: 'theAT', token_type_hint: 'access_token' });
  });

  it.each(['DELETE', 'POST', 'GET'] as const)(
    'proof bearer: sends the access token in the header of a %s',
    async (method) => {
      const { server, settings } = await bench().provider({ status: 204 });
      const revocation = { proof: 'bearer', method, url: 'https://provider.example/x' } as const;
      await bench().oauth2.revoke({ ...exampleOAuth2, revocation }, settings, tokens);
      const request = only(server);
      expect(request).toMatchObject({
        method,
        target: '/revoke',
        headers: { authorization: 'Bearer theAT' },
        body: '',
      });
    },
  );

  it('proof query: adds the access token to the query, the one case of a token in a URL', async () => {
    const { server, settings } = await bench().provider({ status: 200 });
    const revocation = {
      proof: 'query',
      method: 'POST',
      url: 'https://provider.example/x',
      parameter: 'access_token',
    } as const;
    await bench().oauth2.revoke({ ...exampleOAuth2, revocation }, settings, { accessToken: 'a/b+c' });
    const withQuery = { ...settings, endpoints: { ...settings.endpoints, revokeUrl: `${server.url}/revoke?v=1` } };
    await bench().oauth2.revoke({ ...exampleOAuth2, revocation }, withQuery, { accessToken: 'a/b+c' });
    expect(server.requests.map(({ target }) => target)).toEqual([
      '/revoke?access_token=a%2Fb%2Bc',
      '/revoke?v=1&access_token=a%2Fb%2Bc',
    ]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });
});

describe('getJson', () => {
  it('OAuth 2.0: sends the access token in the header', async () => {
    const { server, settings } = await bench().provider(jsonResponse(200, { id: 1 }));
    await expect(
      bench().oauth2.getJson(exampleOAuth2, settings, `${server.url}/me?a=1`, { accessToken: 'theAT' }),
    ).resolves.toEqual({ id: 1 });
    expect(only(server)).toMatchObject({
      method: 'GET',
      target: '/me?a=1',
      headers: { authorization: 'Bearer theAT', accept: 'application/json' },
    });
  });
});
