import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { parseTokenResponse } from '../../provider-kit/responses/parse-token-response.js';
import { tidepoolDefinition } from './tidepool.definition.js';

describeProviderContract(tidepoolDefinition);

describe('Tidepool', () => {
  /** The query of the authorisation request. */
  async function authorizeParameters(scopes: readonly string[]): Promise<URLSearchParams> {
    const settings = readProviderSettings(tidepoolDefinition, { TIDEPOOL_CLIENT_ID: 'id' });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(tidepoolDefinition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes };
    return new URL((await provider.begin(handshake)).authorizeUrl).searchParams;
  }

  it('sends a PKCE challenge, which the provider takes though it does not insist', async () => {
    const parameters = await authorizeParameters(tidepoolDefinition.defaultScopes);
    expect(parameters.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(parameters.get('code_challenge_method')).toBe('S256');
  });

  it.each([
    ['of 0, an offline token without end, as not told', 0, undefined],
    ['of half an hour as it is', 1800, 1800],
  ])('reads a refresh_expires_in %s', (_name, told, read) => {
    const body = {
      access_token: 'not-a-real-token',
      token_type: 'Bearer',
      expires_in: 600,
      refresh_expires_in: told,
    };
    const response = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    expect(parseTokenResponse(response, tidepoolDefinition, new Date(0)).refreshExpiresInSeconds).toBe(read);
  });

  it('has an integration environment with issuer and keys of its own', () => {
    const environment = { TIDEPOOL_CLIENT_ID: 'id', TIDEPOOL_SERVER: 'integration' };
    const settings = readProviderSettings(tidepoolDefinition, environment);
    const realm = 'https://auth.integration.tidepool.org/realms/integration';
    expect(settings.issuers).toEqual([realm]);
    expect(settings.endpoints.jwksUrl).toBe(`${realm}/protocol/openid-connect/certs`);
    expect(settings.endpoints.apiBaseUrl).toBe('https://external.integration.tidepool.org');
    expect(JSON.stringify(settings)).not.toContain('auth.tidepool.org');
  });

  it('needs a client id and no secret', () => {
    expect(readProviderSettings(tidepoolDefinition, { TIDEPOOL_CLIENT_ID: 'id' }).mode).toBe('configured');
  });
});
