import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { OAuth1Verifier } from '../../sandbox/oauth1/oauth1-verifier.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderEndpoints } from '../definition/provider-settings.js';
import { exampleOAuth1, exampleOAuth2, exampleSettings } from '../testing/example-definition.js';
import {
  startRecordingServer,
  type PreparedResponse,
  type RecordedRequest,
  type RecordingServer,
} from '../testing/recording-server.js';
import { makeTestCertificate } from '../testing/test-certificate.js';
import { TokenEndpointClient } from './token-endpoint-client.js';

const now = new Date('2026-03-01T12:00:00Z');
const json = { 'content-type': 'application/json' };
const tokenBody = { access_token: 'newAT', token_type: 'Bearer', expires_in: 3600, refresh_token: 'newRT' };
const canary = 'canary5ecret';

let http: ProviderHttpClient;
let client: TokenEndpointClient;
let openServers: RecordingServer[];

beforeEach(() => {
  http = new ProviderHttpClient();
  client = new TokenEndpointClient(http, Object.assign(new Clock(), { now: () => now }));
  openServers = [];
});

afterEach(async () => {
  await Promise.all(openServers.map((server) => server.close()));
  await http.onApplicationShutdown();
});

/** Starts a provider whose clock is ours, that gives one and the same response, and settings that point at it. */
async function provider(
  { headers, ...response }: PreparedResponse,
  endpoints: Partial<ProviderEndpoints> = {},
): Promise<{ server: RecordingServer; settings: ReturnType<typeof exampleSettings> }> {
  const server = await startRecordingServer(() => ({ ...response, headers: { date: now.toUTCString(), ...headers } }));
  openServers.push(server);
  return { server, settings: exampleSettings(server.url, endpoints) };
}

function jsonResponse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): PreparedResponse {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) };
}

function only(server: RecordingServer): RecordedRequest {
  expect(server.requests).toHaveLength(1);
  return server.requests[0] as RecordedRequest;
}

function formOf(request: RecordedRequest): Record<string, string> {
  expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded');
  const pairs = [...new URLSearchParams(request.body)];
  expect(new Set(pairs.map(([name]) => name)).size).toBe(pairs.length);
  return Object.fromEntries(pairs);
}

/** Returns the error of a promise that must reject, after checking that no way of printing it shows the canary (LOG-02). */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (reason: unknown) => reason,
  );
  const printed = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`;
  expect(printed).not.toContain(canary);
  return error;
}

const code = { code: 'the/code+1', redirectUri: 'https://app.example/callback?a=1', scopes: [] };

describe('exchangeCode', () => {
  it('sends code, redirect URI and verifier in the form and returns the token response', async () => {
    const { server, settings } = await provider(jsonResponse(200, { ...tokenBody, scope: 'sleep', user_id: 'U1' }));
    const tokenResponse = await client.exchangeCode(exampleOAuth2, settings, { ...code, codeVerifier: 'the~verifier' });
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
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.exchangeCode(exampleOAuth2, settings, code);
    expect(formOf(only(server))).not.toHaveProperty('code_verifier');
  });

  it('counts the life of the tokens from before the request left', async () => {
    let ticks = 0;
    const server = await startRecordingServer(() => {
      ticks += 1000;
      return jsonResponse(200, tokenBody);
    });
    openServers.push(server);
    const slow = new TokenEndpointClient(http, Object.assign(new Clock(), { now: () => new Date(ticks) }));
    const tokenResponse = await slow.exchangeCode(exampleOAuth2, exampleSettings(server.url), code);
    expect(tokenResponse.requestedAt).toEqual(new Date(0));
  });
});

describe('TE-01 client authentication', () => {
  /** What RFC 6749 section 2.3.1 makes of the id `client:1 ü` and the secret `a:b%+ &ü`, written out by hand. */
  const basic = `Basic ${Buffer.from('client%3A1+%C3%BC:a%3Ab%25%2B+%26%C3%BC').toString('base64')}`;

  it('basic: form-urlencodes id and secret, and puts neither into the form', async () => {
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: 'oldRT' });
    const request = only(server);
    expect(request.headers.authorization).toBe(basic);
    expect(formOf(request)).toEqual({ grant_type: 'refresh_token', refresh_token: 'oldRT' });
  });

  it('body: puts id and secret into the form and sends no header', async () => {
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.refresh({ ...exampleOAuth2, clientAuthentication: 'body' }, settings, {
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
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.refresh({ ...exampleOAuth2, clientAuthentication: 'none' }, settings, {
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
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.refresh({ ...exampleOAuth2, scopeOnRefresh: 'offline' }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
    });
    expect(formOf(only(server))).toMatchObject({ scope: 'offline' });
  });

  it.each([
    ['those of the connection', { scopes: ['one', 'two'] }, 'one two'],
    ['those of the settings where it has none of its own', {}, undefined],
  ])('repeats the scopes where the provider asks for that: %s', async (_, known, expected) => {
    const { server, settings } = await provider(jsonResponse(200, tokenBody));
    await client.refresh({ ...exampleOAuth2, scopeOnRefresh: true }, settings, {
      accessToken: 'oldAT',
      refreshToken: 'oldRT',
      ...known,
    });
    expect(formOf(only(server))).toMatchObject({ scope: expected ?? settings.scopes.join(' ') });
  });

  it('returns no refresh token when the provider keeps the old one', async () => {
    const { settings } = await provider(jsonResponse(200, { ...tokenBody, refresh_token: null }));
    expect(
      (await client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: 'oldRT' })).refreshToken,
    ).toBeUndefined();
  });

  it('gives up after the time of its refresh policy', async () => {
    const server = await startRecordingServer(() => new Promise<PreparedResponse>(() => undefined));
    openServers.push(server);
    const definition = { ...exampleOAuth2, refresh: { ...exampleOAuth2.refresh, timeoutMs: 1_000 } };
    const error = await errorOf(
      client.refresh(definition, exampleSettings(server.url), { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
    expect(server.requests).toHaveLength(1);
  });

  it('TE-05 reports an untrusted certificate as an outage, never as a revoked grant', async () => {
    const server = await startRecordingServer(() => jsonResponse(400, {}), makeTestCertificate({ ip: '127.0.0.1' }));
    openServers.push(server);
    const error = await errorOf(
      client.refresh(exampleOAuth2, exampleSettings(server.url), { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' });
    expect(server.requests).toHaveLength(0);
  });
});

interface FailureCase {
  readonly title: string;
  readonly response: PreparedResponse;
  /** The code at a refresh; at an exchange `TOKEN_REVOKED` becomes `AUTHORIZATION_CODE_REFUSED`. */
  readonly expected: string;
  readonly detail: string;
  /** Where it is another than at a refresh. */
  readonly atExchange?: string;
  readonly fate?: string;
}

const basicChallenge = { 'www-authenticate': 'Basic realm="clients"' };
const html = { 'content-type': 'text/html' };
const quoting = { error_description: `The token ${canary} is invalid` };

/** Most rows quote the token that was sent, as a real provider does (LOG-03). */
const failures: readonly FailureCase[] = [
  ...[429].map((status) => ({
    title: `HTTP ${status}`,
    response: jsonResponse(status, quoting),
    expected: 'PROVIDER_RATE_LIMITED',
    detail: `HTTP ${status}`,
  })),
  ...[408, 409, 410, 425, 500, 502, 503, 504, 599].map((status) => ({
    title: `HTTP ${status}`,
    response: jsonResponse(status, { error: 'invalid_grant', ...quoting }),
    expected: 'PROVIDER_UNAVAILABLE',
    detail: `HTTP ${status}, invalid_grant`,
  })),
  {
    title: 'an HTML page with HTTP 400',
    response: { status: 400, headers: html, body: `<p>${canary}</p>` },
    expected: 'PROVIDER_UNAVAILABLE',
    detail: 'HTTP 400',
  },
  {
    title: 'an HTML page with HTTP 403',
    response: { status: 403, headers: html, body: `<p>${canary}</p>` },
    expected: 'PROVIDER_UNAVAILABLE',
    detail: 'HTTP 403',
  },
  {
    title: 'broken JSON with HTTP 400',
    response: { status: 400, headers: json, body: `{"error":"${canary}` },
    expected: 'PROVIDER_UNAVAILABLE',
    detail: 'HTTP 400',
  },
  { title: 'HTTP 404', response: jsonResponse(404, quoting), expected: 'PROVIDER_UNAVAILABLE', detail: 'HTTP 404' },
  {
    title: 'an HTML page with HTTP 200',
    response: { status: 200, headers: html, body: `<p>${canary}</p>` },
    expected: 'PROVIDER_UNAVAILABLE',
    fate: 'unknown',
    detail: 'HTTP 200, unreadable body',
  },
  {
    title: 'nothing with HTTP 204',
    response: { status: 204 },
    expected: 'PROVIDER_UNAVAILABLE',
    fate: 'unknown',
    detail: 'HTTP 204, unreadable body',
  },
  ...['server_error', 'temporarily_unavailable', 'slow_down'].map((error) => ({
    title: error,
    response: jsonResponse(400, { error, ...quoting }),
    expected: 'PROVIDER_UNAVAILABLE',
    detail: `HTTP 400, ${error}`,
  })),
  {
    title: 'invalid_request that asks to retry',
    response: jsonResponse(400, {
      error: 'invalid_request',
      error_description: `Concurrent use of ${canary}. Please retry the request.`,
    }),
    expected: 'PROVIDER_UNAVAILABLE',
    detail: 'HTTP 400, invalid_request',
  },
  ...[
    'invalid_client',
    'deleted_client',
    'disabled_client',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
    'invalid_request',
  ].map((error) => ({
    title: error,
    response: jsonResponse(400, { error, ...quoting }),
    expected: 'PROVIDER_MISCONFIGURED',
    detail: `HTTP 400, ${error}`,
  })),
  {
    title: 'HTTP 401 with a Basic challenge',
    response: { status: 401, headers: basicChallenge },
    expected: 'PROVIDER_MISCONFIGURED',
    detail: 'HTTP 401',
  },
  {
    title: 'HTTP 401 with a Basic challenge and an unknown code',
    response: jsonResponse(401, { error: 'unauthorized', ...quoting }, basicChallenge),
    expected: 'PROVIDER_MISCONFIGURED',
    detail: 'HTTP 401, unauthorized',
  },
  {
    title: 'invalid_grant with HTTP 401 and a Basic challenge',
    response: jsonResponse(401, { error: 'invalid_grant', ...quoting }, basicChallenge),
    expected: 'TOKEN_REVOKED',
    detail: 'HTTP 401, invalid_grant',
  },
  {
    title: 'invalid_grant',
    response: jsonResponse(400, { error: 'invalid_grant', ...quoting }),
    expected: 'TOKEN_REVOKED',
    detail: 'HTTP 400, invalid_grant',
  },
  ...[
    { title: 'an empty HTTP 400', response: { status: 400 } },
    { title: 'an empty HTTP 401', response: { status: 401 } },
    { title: 'an empty HTTP 403', response: { status: 403 } },
    {
      title: 'HTTP 401 with a Bearer challenge',
      response: jsonResponse(401, quoting, { 'www-authenticate': `Bearer realm="basics", error="${canary}"` }),
    },
    { title: 'JSON without a code', response: jsonResponse(400, { message: canary }) },
    { title: 'free text in place of a code', response: jsonResponse(400, { error: `bad ${canary}` }) },
    {
      title: 'a problem document',
      response: {
        status: 403,
        headers: { 'content-type': 'application/problem+json' },
        body: '{"title":"Request blocked","detail":"","status":403}',
      },
    },
    { title: 'a fault of Apigee', response: jsonResponse(400, { fault: { faultstring: canary } }) },
    { title: 'an exhausted quota of Google', response: jsonResponse(400, { error: { status: 'RESOURCE_EXHAUSTED' } }) },
  ].map(({ title, response }) => ({
    title,
    response,
    expected: 'PROVIDER_UNAVAILABLE',
    atExchange: 'AUTHORIZATION_CODE_REFUSED',
    detail: `HTTP ${response.status}`,
  })),
  ...['expired_token', 'rate_limit_exceeded', 'too_many_requests', 'internal_error', 'invalid_token'].map((error) => ({
    title: `the unknown code ${error}`,
    response: jsonResponse(403, { error, ...quoting }),
    expected: 'PROVIDER_UNAVAILABLE',
    atExchange: 'AUTHORIZATION_CODE_REFUSED',
    detail: `HTTP 403, ${error}`,
  })),
  {
    title: 'invalid_grant as text/plain',
    response: { status: 400, headers: { 'content-type': 'text/plain' }, body: '{"error":"invalid_grant"}' },
    expected: 'TOKEN_REVOKED',
    detail: 'HTTP 400, invalid_grant',
  },
  {
    title: 'invalid_grant with HTTP 200',
    response: jsonResponse(200, { error: 'invalid_grant', ...quoting }),
    expected: 'TOKEN_REVOKED',
    detail: 'HTTP 200, invalid_grant',
  },
  {
    title: 'invalid_client with HTTP 200',
    response: jsonResponse(200, { error: 'invalid_client', ...quoting }),
    expected: 'PROVIDER_MISCONFIGURED',
    detail: 'HTTP 200, invalid_client',
  },
  {
    title: 'an unknown code with HTTP 200',
    response: jsonResponse(200, { error: 'oops', ...quoting }),
    expected: 'PROVIDER_UNAVAILABLE',
    detail: 'HTTP 200, oops',
  },
];

describe('failures of the token endpoint', () => {
  it.each(failures)('$title at a refresh is $expected', async ({ response, expected, fate, detail }) => {
    const { server, settings } = await provider(response);
    const error = await errorOf(
      client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: expected, detail });
    expect(error).toMatchObject(expected === 'PROVIDER_UNAVAILABLE' ? { fate: fate ?? 'answered' } : {});
    expect(server.requests).toHaveLength(1);
  });

  it.each(failures)(
    '$title at an exchange is read as at a refresh, or refuses the code',
    async ({ response, expected, atExchange, detail }) => {
      const { server, settings } = await provider(response);
      const error = await errorOf(
        client.exchangeCode(exampleOAuth2, settings, { ...code, code: canary, codeVerifier: canary }),
      );
      expect(error).toMatchObject({
        code: atExchange ?? (expected === 'TOKEN_REVOKED' ? 'AUTHORIZATION_CODE_REFUSED' : expected),
        detail,
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('names the field of a token response that cannot be used', async () => {
    const { settings } = await provider(jsonResponse(200, { ...tokenBody, access_token: `${canary} x` }));
    const error = await errorOf(
      client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID', message: expect.stringContaining('"access_token"') });
  });

  it('takes what the definition lists for the end of the grant, also beside a Basic challenge (R-13)', async () => {
    const definition = { ...exampleOAuth2, deadGrantErrors: [{ error: 'invalid_token' }] };
    for (const status of [200, 400, 401, 403]) {
      const { settings } = await provider(jsonResponse(status, { error: 'invalid_token', ...quoting }, basicChallenge));
      const refresh = client.refresh(definition, settings, { accessToken: 'oldAT', refreshToken: canary });
      expect(await errorOf(refresh)).toMatchObject({ code: 'TOKEN_REVOKED' });
    }
  });

  it('tells HTTP 410 apart at every endpoint, whatever its body says', async () => {
    const { server, settings } = await provider(jsonResponse(410, { error: 'invalid_grant' }));
    const tokens = { accessToken: canary, refreshToken: canary };
    const calls = [
      () => client.refresh(exampleOAuth2, settings, tokens),
      () => client.exchangeCode(exampleOAuth2, settings, { ...code, code: canary }),
      () => client.revoke(exampleOAuth2, settings, tokens),
      () => client.revoke(exampleOAuth1, settings, { accessToken: canary, tokenSecret: canary }),
      () => client.getJson(exampleOAuth2, settings, `${server.url}/me`, tokens),
      () => client.getPublicJson(exampleOAuth2, `${server.url}/metadata`),
      () => client.post(exampleOAuth2, settings, { url: `${server.url}/own`, tokens, json: {} }),
      () => client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/callback'),
      () => client.tokenCredentials(exampleOAuth1, settings, { token: canary, tokenSecret: canary, verifier: canary }),
    ];
    for (const call of calls) {
      expect(await errorOf(call())).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered', isGone: true });
    }
    expect(server.requests).toHaveLength(calls.length);
  });

  it.each<[title: string, response: PreparedResponse, fate: string]>([
    ['a body that is too large', { body: `{"access_token":"${canary}"}`.padEnd(1024 * 1024 + 1) }, 'unknown'],
    ['a body in an unknown encoding', { headers: { 'content-encoding': 'zstd' }, body: canary }, 'unknown'],
    ['a body that cannot be decompressed', { headers: { 'content-encoding': 'gzip' }, body: canary }, 'unknown'],
    ['an error that is too large', { status: 400, body: canary.padEnd(1024 * 1024 + 1) }, 'answered'],
    [
      'an error that cannot be decompressed',
      { status: 400, headers: { 'content-encoding': 'gzip' }, body: canary },
      'answered',
    ],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'answered'],
  ])('knows of %s whether the refresh token may be spent (TE-04)', async (_title, response, fate) => {
    const { settings } = await provider(response);
    const refresh = client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary });
    expect(await errorOf(refresh)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate });
  });

  it('reads a token response of 1 MiB, also compressed (TE-04)', async () => {
    const text = JSON.stringify({ ...tokenBody, profile: '' });
    const body = text.replace('""', `"${'x'.repeat(1024 * 1024 - Buffer.byteLength(text))}"`);
    for (const response of [{ body }, { headers: { 'content-encoding': 'gzip' }, body: gzipSync(body) }]) {
      const { settings } = await provider(response);
      const tokenResponse = await client.refresh(exampleOAuth2, settings, {
        accessToken: 'oldAT',
        refreshToken: canary,
      });
      expect(tokenResponse.accessToken).toBe(tokenBody.access_token);
    }
  });

  it('asks the hook of the provider first', async () => {
    const body = { errors: [{ errorType: 'invalid_client', message: canary }], error: 'invalid_grant' };
    const { settings } = await provider(jsonResponse(400, body));
    const parseErrorCode = (parsed: unknown): string | undefined =>
      (parsed as { errors?: { errorType: string }[] }).errors?.[0]?.errorType;
    const error = await errorOf(
      client.refresh({ ...exampleOAuth2, parseErrorCode }, settings, { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', detail: 'HTTP 400, invalid_client' });
  });

  it.each([
    ['30', 30],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 60],
    ['999999', 86_400],
    ['-1', undefined],
    ['tomorrow', undefined],
    ['2.5', 3],
  ])('passes on Retry-After %j as %s seconds', async (value, retryAfterSeconds) => {
    for (const status of [429, 503]) {
      const { settings } = await provider({ status, headers: { 'retry-after': value } });
      expect(
        await errorOf(client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary })),
      ).toMatchObject({ retryAfterSeconds });
    }
  });

  it.each([301, 302, 303, 307, 308])('TE-03 does not carry secrets to where HTTP %i points', async (status) => {
    const other = await provider(jsonResponse(200, tokenBody));
    const { server, settings } = await provider({ status, headers: { location: `${other.server.url}/token` } });
    const tokens = { accessToken: canary, refreshToken: canary };
    for (const call of [
      () => client.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
      () => client.exchangeCode(exampleOAuth2, settings, { ...code, code: canary }),
      () => client.revoke(exampleOAuth2, settings, tokens),
      () => client.getJson(exampleOAuth2, settings, `${server.url}/me`, tokens),
      () => client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/callback'),
      () => client.tokenCredentials(exampleOAuth1, settings, { token: canary, tokenSecret: canary, verifier: canary }),
    ]) {
      expect(await errorOf(call())).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
    }
    expect(server.requests).toHaveLength(6);
    expect(other.server.requests).toHaveLength(0);
  });
});

describe('revoke', () => {
  const tokens = { accessToken: 'theAT', refreshToken: 'theRT' };

  it('proof client: sends the refresh token with client authentication (RFC 7009 section 2.1)', async () => {
    const { server, settings } = await provider({ status: 200 });
    await client.revoke(exampleOAuth2, settings, tokens);
    const request = only(server);
    expect(request).toMatchObject({ method: 'POST', target: '/revoke' });
    expect(request.headers.authorization).toMatch(/^Basic /);
    expect(formOf(request)).toEqual({ token: 'theRT', token_type_hint: 'refresh_token' });
  });

  it('proof client: sends the access token where there is no refresh token', async () => {
    const { server, settings } = await provider({ status: 200 });
    await client.revoke(exampleOAuth2, settings, { accessToken: 'theAT' });
    expect(formOf(only(server))).toEqual({ token: 'theAT', token_type_hint: 'access_token' });
  });

  it.each(['DELETE', 'POST', 'GET'] as const)(
    'proof bearer: sends the access token in the header of a %s',
    async (method) => {
      const { server, settings } = await provider({ status: 204 });
      const revocation = { proof: 'bearer', method, url: 'https://provider.example/x' } as const;
      await client.revoke({ ...exampleOAuth2, revocation }, settings, tokens);
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
    const { server, settings } = await provider({ status: 200 }, {});
    const revocation = {
      proof: 'query',
      method: 'POST',
      url: 'https://provider.example/x',
      parameter: 'access_token',
    } as const;
    await client.revoke({ ...exampleOAuth2, revocation }, settings, { accessToken: 'a/b+c' });
    const withQuery = { ...settings, endpoints: { ...settings.endpoints, revokeUrl: `${server.url}/revoke?v=1` } };
    await client.revoke({ ...exampleOAuth2, revocation }, withQuery, { accessToken: 'a/b+c' });
    expect(server.requests.map(({ target }) => target)).toEqual([
      '/revoke?access_token=a%2Fb%2Bc',
      '/revoke?v=1&access_token=a%2Fb%2Bc',
    ]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('proof signature: signs with client and token', async () => {
    const { server, settings } = await provider({ status: 204 });
    await client.revoke(exampleOAuth1, settings, { accessToken: 'theToken', tokenSecret: 'the secret' });
    const parameters = verified(only(server), server.url, { theToken: 'the secret' });
    expect(only(server)).toMatchObject({ method: 'DELETE', target: '/revoke' });
    expect(parameters.get('oauth_token')).toBe('theToken');
  });

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
    const { settings } = await provider(response);
    const revocation = { proof: 'bearer', method: 'DELETE', url: 'https://provider.example/x' } as const;
    const secrets = { accessToken: canary, refreshToken: canary, tokenSecret: canary };
    for (const definition of [exampleOAuth2, { ...exampleOAuth2, revocation }, exampleOAuth1]) {
      expect(await errorOf(client.revoke(definition, settings, secrets))).toMatchObject(expected);
    }
  });

  it('refuses a definition that has no revocation, or one of the other OAuth version', async () => {
    const { server, settings } = await provider({ status: 200 });
    const wrong: readonly ProviderDefinition[] = [
      { ...exampleOAuth2, revocation: undefined },
      { ...exampleOAuth2, revocation: { proof: 'signature', method: 'POST', url: 'https://provider.example/x' } },
      { ...exampleOAuth1, revocation: { proof: 'client', method: 'POST', url: 'https://provider.example/x' } },
    ];
    for (const definition of wrong) {
      await expect(client.revoke(definition, settings, tokens)).rejects.toThrow(/^Provider "example"/);
    }
    expect(server.requests).toHaveLength(0);
  });
});

/** Checks a signature as the vendor sandbox does: with code of its own, from what arrived on the wire. */
function verified(
  request: RecordedRequest,
  baseUrl: string,
  tokenSecrets: Readonly<Record<string, string>> = {},
  method: OAuth1Definition['signatureMethod'] = 'HMAC-SHA1',
): ReadonlyMap<string, string> {
  return new OAuth1Verifier(method, () => now.getTime()).verify(
    {
      method: request.method,
      scheme: 'http',
      host: new URL(baseUrl).host,
      target: request.target,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body: request.body,
    },
    {
      findClientSecret: (key) => (key === 'client:1 ü' ? 'a:b%+ &ü' : undefined),
      findTokenSecret: (token) => tokenSecrets[token],
    },
  );
}

const temporary = 'oauth_token=tmp&oauth_token_secret=tmpSecret&oauth_callback_confirmed=true';

describe('temporaryCredentials', () => {
  it.each(['HMAC-SHA1', 'HMAC-SHA256'] as const)(
    'O1-04 O1-10 signs the callback with %s and sends it in the header',
    async (signatureMethod) => {
      const { server, settings } = await provider({ body: temporary });
      const callback = 'https://app.example/callback?state=a+b%20c';
      const credentials = await client.temporaryCredentials({ ...exampleOAuth1, signatureMethod }, settings, callback);
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
    'O1-04 refuses a response that does not confirm the callback: %j',
    async (rest) => {
      const { settings } = await provider({ body: `oauth_token=${canary}&oauth_token_secret=${canary}${rest}` });
      const error = await errorOf(client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'));
      expect(error).toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
        message: expect.stringContaining('"oauth_callback_confirmed"'),
      });
    },
  );

  it.each([400, 401, 403])('blames our credentials for HTTP %i', async (status) => {
    const { settings } = await provider({ status, body: `oauth_problem=signature_invalid&debug=${canary}` });
    const error = await errorOf(client.temporaryCredentials(exampleOAuth1, settings, `https://app.example/?${canary}`));
    expect(error).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', detail: `HTTP ${status}, signature_invalid` });
  });

  it.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [408, 'PROVIDER_UNAVAILABLE'],
    [503, 'PROVIDER_UNAVAILABLE'],
  ])('reports HTTP %i as %s', async (status, expected) => {
    const { settings } = await provider({ status, body: canary });
    const error = await errorOf(client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'));
    expect(error).toMatchObject({ code: expected });
  });

  it('O1-03 uses a new nonce for every request', async () => {
    const { server, settings } = await provider({ body: temporary });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb');
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
    const { settings } = await provider(fatsecret);
    const error = await errorOf(client.temporaryCredentials(exampleOAuth1, settings, 'https://app.example/cb'));
    expect(error).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', detail: 'HTTP 200, XML error 8' });
  });

  it('are named at the last step, and refuse the verifier (O1-10)', async () => {
    const { settings } = await provider({ body: `{"error":{"code":9,"message":"${canary}"}}` });
    const secrets = { token: canary, tokenSecret: canary, verifier: canary };
    const error = await errorOf(client.tokenCredentials(exampleOAuth1, settings, secrets));
    expect(error).toMatchObject({ code: 'AUTHORIZATION_CODE_REFUSED', detail: 'HTTP 200, JSON error 9' });
  });
});

describe('tokenCredentials', () => {
  const credentials = { token: 'tmp', tokenSecret: 'tmp secret', verifier: 'the/verifier+1' };

  it('O1-10 signs the verifier and sends it in the header; returns the token response', async () => {
    const { server, settings } = await provider({ body: 'oauth_token=T&oauth_token_secret=S&encoded_user_id=U1' });
    const tokenResponse = await client.tokenCredentials(exampleOAuth1, settings, credentials);
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
    const { server, settings } = await provider(response);
    const secrets = { token: canary, tokenSecret: canary, verifier: canary };
    expect(await errorOf(client.tokenCredentials(exampleOAuth1, settings, secrets))).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });
});

describe('exchangeGrant', () => {
  const tokens = { accessToken: 'T', tokenSecret: 'S' };
  const successor = { ...exampleOAuth2, refreshExpiresInField: 'refresh_token_expires_in' };

  it('O1-11 signs a POST without a body, sends no code_challenge, and returns the token response of the successor', async () => {
    const response = jsonResponse(200, { ...tokenBody, refresh_token_expires_in: 7_775_998 });
    const { server, settings } = await provider(response);
    const endpoints = { ...settings.endpoints, exchangeUrl: `${server.url}/exchange` };
    const exchanged = await client.exchangeGrant(exampleOAuth1, { ...settings, endpoints }, tokens, successor);
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
    const { server, settings } = await provider(response);
    const endpoints = { ...settings.endpoints, exchangeUrl: `${server.url}/exchange` };
    const secrets = { accessToken: canary, tokenSecret: canary };
    const exchanging = client.exchangeGrant(exampleOAuth1, { ...settings, endpoints }, secrets, successor);
    expect(await errorOf(exchanging)).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });

  it('refuses settings without an endpoint', async () => {
    const { settings } = await provider({});
    await expect(client.exchangeGrant(exampleOAuth1, settings, tokens, successor)).rejects.toThrow(
      'does not exchange grants',
    );
  });
});

describe('getJson', () => {
  it('OAuth 2.0: sends the access token in the header', async () => {
    const { server, settings } = await provider(jsonResponse(200, { id: 1 }));
    await expect(
      client.getJson(exampleOAuth2, settings, `${server.url}/me?a=1`, { accessToken: 'theAT' }),
    ).resolves.toEqual({ id: 1 });
    expect(only(server)).toMatchObject({
      method: 'GET',
      target: '/me?a=1',
      headers: { authorization: 'Bearer theAT', accept: 'application/json' },
    });
  });

  it('OAuth 1.0a: signs the request, query included', async () => {
    const { server, settings } = await provider(jsonResponse(200, { id: 1 }));
    const url = `${server.url}/me?b=r+b&c%40=&a=%c3%bc&a=1`;
    await client.getJson(exampleOAuth1, settings, url, { accessToken: 'T', tokenSecret: 'S' });
    expect(verified(only(server), server.url, { T: 'S' }).get('oauth_token')).toBe('T');
  });

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
    const { server, settings } = await provider(response);
    for (const definition of [exampleOAuth2, exampleOAuth1]) {
      const secrets = { accessToken: canary, tokenSecret: canary };
      expect(await errorOf(client.getJson(definition, settings, `${server.url}/me`, secrets))).toMatchObject(expected);
    }
  });
});

describe('TE-02 outbound URLs', () => {
  it('hold no code, verifier, token or secret, whatever is called', async () => {
    const responses: Readonly<Record<string, PreparedResponse>> = {
      '/token': jsonResponse(200, tokenBody),
      '/request_token': { body: temporary },
      '/access_token': { body: 'oauth_token=T&oauth_token_secret=S' },
    };
    const server = await startRecordingServer(({ target }) => responses[target] ?? jsonResponse(200, {}));
    openServers.push(server);
    const settings = exampleSettings(server.url);
    const tokens = { accessToken: canary, refreshToken: canary, tokenSecret: canary };
    const definitions: readonly OAuth2Definition[] = [
      exampleOAuth2,
      { ...exampleOAuth2, clientAuthentication: 'body' },
      { ...exampleOAuth2, clientAuthentication: 'none' },
      { ...exampleOAuth2, revocation: { proof: 'bearer', method: 'GET', url: 'https://provider.example/x' } },
    ];
    for (const definition of definitions) {
      await client.exchangeCode(definition, settings, { ...code, code: canary, codeVerifier: canary });
      await client.refresh(definition, settings, { accessToken: 'oldAT', refreshToken: canary });
      await client.revoke(definition, settings, tokens);
      await client.getJson(definition, settings, `${server.url}/api/me`, tokens);
    }
    await client.temporaryCredentials(exampleOAuth1, settings, `https://app.example/callback?state=${canary}`);
    await client.tokenCredentials(exampleOAuth1, settings, { token: canary, tokenSecret: canary, verifier: canary });
    await client.revoke(exampleOAuth1, settings, tokens);
    await client.getJson(exampleOAuth1, settings, `${server.url}/api/me`, tokens);
    expect(new Set(server.requests.map(({ target }) => target))).toEqual(
      new Set(['/token', '/revoke', '/api/me', '/request_token', '/access_token']),
    );
    expect(server.requests).toHaveLength(20);
  });
});
