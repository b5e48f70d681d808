import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { useRespondingProvider } from '../../provider-kit/testing/responding-provider.js';
import { suuntoDefinition } from './suunto.definition.js';

describeProviderContract(suuntoDefinition);

const { providerResponded, requests } = useRespondingProvider(suuntoDefinition);

const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['workout'] };

describe('link with Suunto', () => {
  it('reads the user from the token response', async () => {
    const response = { token_type: 'bearer', access_token: 'at', refresh_token: 'rt', user: 'sandbox-user' };
    const provider = await providerResponded(200, response);
    const { secrets } = await provider.begin(handshake);
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect(tokenResponse.expiresInSeconds).toBe(86_400);
    expect(await provider.findProviderUserId(tokenResponse)).toBe('sandbox-user');
  });
});

describe('revocation at Suunto', () => {
  it('names the client in the query and the user by the access token in the header', async () => {
    const provider = await providerResponded(200, {});
    await expect(provider.revoke({ accessToken: 'not-a-real-at' })).resolves.toBe('revoked');
    expect(requests()).toHaveLength(1);
    expect(requests()[0]).toMatchObject({
      method: 'GET',
      target: `/suunto/oauth/deauthorize?client_id=${provider.settings.clientId}`,
      headers: { authorization: 'Bearer not-a-real-at' },
    });
  });
});
