import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { canary, errorOf } from '../testing/canary.js';
import { code, html, json, jsonResponse, tokenBody, useClientBench } from '../testing/client-bench.js';
import { exampleOAuth2 } from '../testing/example-definition.js';
import type { PreparedResponse } from '../testing/recording-server.js';

const bench = useClientBench();

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
    const { server, settings } = await bench().provider(response);
    const error = await errorOf(
      bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: expected, detail });
    expect(error).toMatchObject(expected === 'PROVIDER_UNAVAILABLE' ? { fate: fate ?? 'answered' } : {});
    expect(server.requests).toHaveLength(1);
  });

  it.each(failures)(
    '$title at an exchange is read as at a refresh, or refuses the code',
    async ({ response, expected, atExchange, detail }) => {
      const { server, settings } = await bench().provider(response);
      const error = await errorOf(
        bench().oauth2.exchangeCode(exampleOAuth2, settings, { ...code, code: canary, codeVerifier: canary }),
      );
      expect(error).toMatchObject({
        code: atExchange ?? (expected === 'TOKEN_REVOKED' ? 'AUTHORIZATION_CODE_REFUSED' : expected),
        detail,
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('names the field of a token response that cannot be used', async () => {
    const { settings } = await bench().provider(jsonResponse(200, { ...tokenBody, access_token: `${canary} x` }));
    const error = await errorOf(
      bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary }),
    );
    expect(error).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID', message: expect.stringContaining('"access_token"') });
  });

  it('treats an error that the definition lists as the end of the grant, also beside a Basic challenge (R-13)', async () => {
    const definition = { ...exampleOAuth2, deadGrantErrors: [{ error: 'invalid_token' }] };
    for (const status of [200, 400, 401, 403]) {
      const { settings } = await bench().provider(
        jsonResponse(status, { error: 'invalid_token', ...quoting }, basicChallenge),
      );
      const refresh = bench().oauth2.refresh(definition, settings, { accessToken: 'oldAT', refreshToken: canary });
      expect(await errorOf(refresh)).toMatchObject({ code: 'TOKEN_REVOKED' });
    }
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
    const { settings } = await bench().provider(response);
    const refresh = bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary });
    expect(await errorOf(refresh)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate });
  });

  it('reads a token response of 1 MiB, also compressed (TE-04)', async () => {
    const text = JSON.stringify({ ...tokenBody, profile: '' });
    const body = text.replace('""', `"${'x'.repeat(1024 * 1024 - Buffer.byteLength(text))}"`);
    for (const response of [{ body }, { headers: { 'content-encoding': 'gzip' }, body: gzipSync(body) }]) {
      const { settings } = await bench().provider(response);
      const tokenResponse = await bench().oauth2.refresh(exampleOAuth2, settings, {
        accessToken: 'oldAT',
        refreshToken: canary,
      });
      expect(tokenResponse.accessToken).toBe(tokenBody.access_token);
    }
  });

  it('asks the hook of the provider first', async () => {
    const body = { errors: [{ errorType: 'invalid_client', message: canary }], error: 'invalid_grant' };
    const { settings } = await bench().provider(jsonResponse(400, body));
    const parseErrorCode = (parsed: unknown): string | undefined =>
      (parsed as { errors?: { errorType: string }[] }).errors?.[0]?.errorType;
    const error = await errorOf(
      bench().oauth2.refresh({ ...exampleOAuth2, parseErrorCode }, settings, {
        accessToken: 'oldAT',
        refreshToken: canary,
      }),
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
      const { settings } = await bench().provider({ status, headers: { 'retry-after': value } });
      expect(
        await errorOf(bench().oauth2.refresh(exampleOAuth2, settings, { accessToken: 'oldAT', refreshToken: canary })),
      ).toMatchObject({ retryAfterSeconds });
    }
  });
});
