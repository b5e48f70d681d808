import { describe, expect, it } from '@jest/globals';
import { TokenRevokedError } from '../../errors/provider.errors.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { isFailure, refusal, tokenFailure } from '../../provider-kit/responses/provider-failure.js';
import { parseTokenResponse } from '../../provider-kit/responses/parse-token-response.js';
import { ihealthDefinition } from './ihealth.definition.js';

describeProviderContract(ihealthDefinition);

it("prefers the response's Expires to the documented life", () => {
  const body = {
    AccessToken: 'not-a-real-token',
    RefreshToken: 'not-a-real-one-either',
    Expires: 3600,
    UserID: 'u1',
  };
  const response = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const tokenResponse = parseTokenResponse(response, ihealthDefinition, new Date(0));
  expect(tokenResponse).toMatchObject({ expiresInSeconds: 3600, providerUserId: 'u1' });
});

it('has hosts of its own in Europe', () => {
  const environment = { IHEALTH_CLIENT_ID: 'id', IHEALTH_CLIENT_SECRET: 'not-a-real-secret', IHEALTH_SERVER: 'eu' };
  expect(readProviderSettings(ihealthDefinition, environment).endpoints).toMatchObject({
    authorizeUrl: 'https://oauthuser.ihealthlabs.eu/OpenApiV2/OAuthv2/userauthorization/',
    tokenUrl: 'https://oauthuser.ihealthlabs.eu/OpenApiV2/OAuthv2/userauthorization/',
    apiBaseUrl: 'https://openapi.ihealthlabs.eu/openapiv2',
  });
});

it.each(['UserID', 'UserId'])("reads the user's id as %s", (field) => {
  const body = {
    AccessToken: 'not-a-real-token',
    RefreshToken: 'not-a-real-one-either',
    Expires: 3600,
    [field]: 'u1',
  };
  const response = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  expect(parseTokenResponse(response, ihealthDefinition, new Date(0)).providerUserId).toBe('u1');
});

describe('a refusal of iHealth', () => {
  const read = (status: number, Error: string, ErrorCode: number): unknown => {
    const body = JSON.stringify({ Error, ErrorCode, ErrorDescription: 'free text' });
    const response = { status, headers: { 'content-type': 'application/json' }, body };
    return isFailure(ihealthDefinition, response)
      ? tokenFailure({ definition: ihealthDefinition, response, now: new Date(0) }, refusal(TokenRevokedError, 'dead'))
      : 'no failure';
  };

  it.each([
    ['client_secret_mismatch', 1002, 'PROVIDER_MISCONFIGURED'],
    ['unauthorized_client', 2001, 'PROVIDER_MISCONFIGURED'],
    ['redirect_uri_mismatch', 1001, 'PROVIDER_MISCONFIGURED'],
    ['limits_hour_error', 503, 'PROVIDER_RATE_LIMITED'],
  ])('never counts against the grant when it is %s, with any HTTP status (TE-14)', (name, number, code) => {
    for (const status of [200, 400, 401, 403]) {
      expect(read(status, name, number)).toMatchObject({ code });
    }
  });

  it('means the grant when it is unauthorized_token, with any HTTP status (R-13)', () => {
    for (const status of [200, 400, 401, 403]) {
      expect(read(status, 'unauthorized_token', 2002)).toMatchObject({ code: 'TOKEN_REVOKED' });
    }
  });

  it('is no evidence against the grant with any other name (R-13)', () => {
    for (const status of [200, 400, 401, 403]) {
      expect(read(status, 'is_not_authorized', 2)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    }
  });
});
