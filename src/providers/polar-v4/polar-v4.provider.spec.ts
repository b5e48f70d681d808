import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { useRespondingProvider } from '../../provider-kit/testing/responding-provider.js';
import { polarV4Definition } from './polar-v4.definition.js';

describeProviderContract(polarV4Definition);

const { providerResponded, requests } = useRespondingProvider(polarV4Definition);

describe('link with Polar v4', () => {
  it('knows the lifetime of a token without expires_in, and knows no user', async () => {
    const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['profile:read'] };
    const provider = await providerResponded(200, { token_type: 'bearer', access_token: 'at', refresh_token: 'rt' });
    const { secrets } = await provider.begin(handshake);
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect(tokenResponse.expiresInSeconds).toBe(43_199);
    expect(await provider.findProviderUserId(tokenResponse)).toBeUndefined();
    expect(requests()).toHaveLength(1);
  });
});
