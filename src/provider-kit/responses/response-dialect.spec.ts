import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { exampleOAuth2, exampleSettings } from '../testing/example-definition.js';
import { OAuth2Client } from '../client/oauth2-client.js';

/** A provider that responds with errors in HTTP 200, its fields in an envelope and under names of its own. */
const odd: OAuth2Definition = {
  ...exampleOAuth2,
  account: { from: 'token-response', field: 'person.id' },
  responseDialect: {
    status: {
      field: 'status',
      success: 0,
      errors: { 401: 'invalid_grant', 503: 'invalid_client', 601: 'rate_limited' },
    },
    bodyField: 'body',
    fieldNames: { access_token: 'AccessToken', refresh_token: 'RefreshToken', expires_in: 'Expires' },
    noTokenType: true,
  },
};
const tokens = { accessToken: 'oldAT', refreshToken: 'oldRT' };
const http = new ProviderHttpClient();
const client = new OAuth2Client(http, new Clock());

let server: Server;
let url: string;
let prepared: { status: number; json: unknown };
let requests: { path: string; form: URLSearchParams; headers: IncomingMessage['headers'] }[];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      requests.push({ path: request.url ?? '', form, headers: request.headers });
      response.writeHead(prepared.status, { 'content-type': 'application/json' }).end(JSON.stringify(prepared.json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
});
afterAll(async () => {
  await http.onApplicationShutdown();
  await new Promise((resolve) => server.close(resolve));
});

describe('responses in a shape of the provider', () => {
  it('reads the tokens out of an envelope, under other names', async () => {
    const body = { AccessToken: 'newAT', RefreshToken: 'newRT', Expires: 60, person: { id: 7 } };
    prepared = { status: 200, json: { status: 0, body } };
    expect({ ...(await client.refresh(odd, exampleSettings(url), tokens)) }).toMatchObject({
      accessToken: 'newAT',
      refreshToken: 'newRT',
      expiresInSeconds: 60,
      providerUserId: '7',
    });
  });

  it.each([
    [401, 'TOKEN_REVOKED'],
    [503, 'PROVIDER_MISCONFIGURED'],
    [601, 'PROVIDER_RATE_LIMITED'],
    [2555, 'PROVIDER_UNAVAILABLE'],
  ])('reads status %i in an HTTP 200 response as %s', async (status, code) => {
    prepared = { status: 200, json: { status, error: 'free text with oldRT', body: {} } };
    const error: unknown = await client.refresh(odd, exampleSettings(url), tokens).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error)).not.toContain('oldRT');
  });

  it('does not take an envelope without its contents for a token response', async () => {
    prepared = { status: 200, json: { status: 0 } };
    await expect(client.refresh(odd, exampleSettings(url), tokens)).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
  });

  it('ignores the life of a token that never expires', async () => {
    prepared = { status: 200, json: { access_token: 'AT', token_type: 'bearer', expires_in: 1e12 } };
    const definition: OAuth2Definition = { ...exampleOAuth2, neverExpires: true };
    const tokenResponse = await client.exchangeCode(definition, exampleSettings(url), {
      code: 'code',
      redirectUri: 'https://a.example',
      scopes: [],
    });
    expect(tokenResponse.expiresInSeconds).toBeUndefined();
  });
});

describe('refreshes of a kind of the provider', () => {
  const extending: OAuth2Definition = {
    ...exampleOAuth2,
    refreshUrl: 'https://provider.example/refresh',
    refreshExtendsToken: true,
    accessTokenLifetimeSeconds: 1_000,
    responseDialect: { status: { field: 'result', success: '0000', errors: {} } },
  };

  it('keeps the access token, with its whole life again, when the response has none', async () => {
    prepared = { status: 200, json: { result: '0000', message: 'OK' } };
    const settings = exampleSettings(url, { refreshUrl: `${url}/refresh` });
    expect({ ...(await client.refresh(extending, settings, tokens)) }).toMatchObject({
      accessToken: 'oldAT',
      refreshToken: undefined,
      expiresInSeconds: 1_000,
    });
    expect(requests.map(({ path }) => path)).toEqual(['/refresh']);
  });

  it('takes new tokens when such a response brings them after all', async () => {
    prepared = { status: 200, json: { result: '0000', access_token: 'newAT', token_type: 'bearer' } };
    const tokenResponse = await client.refresh(extending, exampleSettings(url), tokens);
    expect(tokenResponse.accessToken).toBe('newAT');
  });

  it('never takes a response without a token for a token response where the provider does not extend', async () => {
    prepared = { status: 200, json: { result: '0000' } };
    await expect(client.refresh(exampleOAuth2, exampleSettings(url), tokens)).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
  });

  it("sends the provider's required headers with each call, and nothing else", async () => {
    prepared = { status: 200, json: { access_token: 'AT', token_type: 'bearer' } };
    const definition: OAuth2Definition = {
      ...exampleOAuth2,
      extraTokenParams: { action: 'requesttoken' },
      scopeOnExchange: true,
      redirectUriOnRefresh: true,
      scopeOnRefresh: 'offline',
    };
    await client.refresh(definition, exampleSettings(url), tokens);
    await client.exchangeCode(definition, exampleSettings(url), {
      code: 'code',
      redirectUri: 'https://a.example',
      scopes: ['one', 'two'],
    });
    await client.refresh(exampleOAuth2, exampleSettings(url), tokens);
    expect(requests.map(({ form }) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'refresh_token',
        refresh_token: 'oldRT',
        scope: 'offline',
        redirect_uri: 'https://app.example/callback',
        action: 'requesttoken',
      },
      {
        grant_type: 'authorization_code',
        code: 'code',
        redirect_uri: 'https://a.example',
        scope: 'one two',
        action: 'requesttoken',
      },
      { grant_type: 'refresh_token', refresh_token: 'oldRT' },
    ]);
  });

  it('does not call the provider without a refresh token', async () => {
    await expect(client.refresh(exampleOAuth2, exampleSettings(url), { accessToken: 'AT' })).rejects.toMatchObject({
      code: 'CONNECTION_NOT_REFRESHABLE',
    });
    expect(requests).toEqual([]);
  });
});

describe('revocations of a kind of the provider', () => {
  it('fills our id and the user into the URL, encoded', async () => {
    prepared = { status: 204, json: {} };
    const definition: OAuth2Definition = {
      ...exampleOAuth2,
      revocation: { proof: 'bearer', method: 'DELETE', url: 'https://provider.example/users/{providerUserId}' },
    };
    const settings = exampleSettings(url, { revokeUrl: `${url}/users/{providerUserId}?client_id={clientId}` });
    await client.revoke(definition, settings, { ...tokens, providerUserId: 'a/b' });
    expect(requests[0]?.path).toBe('/users/a%2Fb?client_id=client%3A1%20%C3%BC');
    await expect(client.revoke(definition, settings, tokens)).rejects.toMatchObject({ code: 'AUTHORIZATION_FAILED' });
  });

  it('sends the token alone where it is proof enough, and takes "gone" as ended', async () => {
    const definition: OAuth2Definition = {
      ...exampleOAuth2,
      revocation: { proof: 'token', method: 'POST', url: 'https://provider.example/revoke', goneStatus: 400 },
    };
    prepared = { status: 400, json: { error: 'invalid_token' } };
    await client.revoke(definition, exampleSettings(url), tokens);
    expect(requests[0]?.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(requests[0]?.form ?? [])).toEqual({ token: 'oldRT', token_type_hint: 'refresh_token' });
    prepared = { status: 403, json: {} };
    await expect(client.revoke(definition, exampleSettings(url), tokens)).rejects.toMatchObject({
      code: 'AUTHORIZATION_FAILED',
    });
  });

  it('authenticates the client there in another way than at the token endpoint', async () => {
    prepared = { status: 200, json: {} };
    const definition: OAuth2Definition = {
      ...exampleOAuth2,
      clientAuthentication: 'body',
      revocation: {
        proof: 'client',
        method: 'POST',
        url: 'https://provider.example/revoke',
        clientAuthentication: 'basic',
      },
    };
    await client.revoke(definition, exampleSettings(url), tokens);
    expect(requests[0]?.headers.authorization).toMatch(/^Basic /);
    expect(requests[0]?.form.has('client_secret')).toBe(false);
  });

  it('does not take an error in an HTTP 200 response for an end of the grant', async () => {
    prepared = { status: 200, json: { status: 401 } };
    await expect(client.revoke(odd, exampleSettings(url), tokens)).rejects.toThrow();
  });
});
