import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { TokenRevokedError } from '../../errors/provider.errors.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { refusal, tokenFailure } from '../../provider-kit/responses/provider-failure.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { wahooDefinition } from './wahoo.definition.js';

describeProviderContract(wahooDefinition);

describe('Wahoo', () => {
  it('does not take a full quota of access tokens for the end of the grant', () => {
    const error = 'Too many unrevoked access tokens exist for this app and user. Revoke one first.';
    const response = { status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) };
    const failed = { definition: wahooDefinition, response, now: new Date(0) };
    expect(tokenFailure(failed, refusal(TokenRevokedError, 'dead'))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });

  it('does not take a refusal without a reason for the end of the grant (R-13)', () => {
    const response = { status: 400, headers: { 'content-type': 'application/json' }, body: '{}' };
    const failed = { definition: wahooDefinition, response, now: new Date(0) };
    expect(tokenFailure(failed, refusal(TokenRevokedError, 'dead'))).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });

  /** The query of the authorisation request. */
  async function authorizeParameters(scopes: readonly string[]): Promise<URLSearchParams> {
    const settings = readProviderSettings(wahooDefinition, { WAHOO_CLIENT_ID: 'id', WAHOO_CLIENT_SECRET: 'secret' });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(wahooDefinition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes };
    return new URL((await provider.begin(handshake)).authorizeUrl).searchParams;
  }

  it('sends a PKCE challenge, which the provider takes though it does not insist', async () => {
    const parameters = await authorizeParameters(wahooDefinition.defaultScopes);
    expect(parameters.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(parameters.get('code_challenge_method')).toBe('S256');
  });

  it('accepts the old refresh token until the new access token is used, and no old access token', () => {
    expect(wahooDefinition.refresh).toMatchObject({ grace: 'until-new-token-used', oldAccessTokenDiesOnRefresh: true });
  });
});
