import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { useRespondingProvider } from '../../provider-kit/testing/responding-provider.js';
import { googleHealthDefinition } from './google-health.definition.js';

describeProviderContract(googleHealthDefinition);

const { providerResponded, requests } = useRespondingProvider(googleHealthDefinition);

const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['a', 'b'] };
const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt' };

describe('link with Google Health', () => {
  it('sends a challenge, and reads scopes, lives and user where Google tells them', async () => {
    const provider = await providerResponded(200, {
      access_token: 'at',
      refresh_token: 'rt',
      refresh_token_expires_in: 604_799,
      scope: 'a b',
      token_type: 'Bearer',
      healthUserId: 'health-user',
      legacyUserId: 'ABC123',
    });
    const { authorizeUrl, secrets } = await provider.begin(handshake);
    expect(new URL(authorizeUrl).searchParams.get('code_challenge_method')).toBe('S256');
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect({ ...tokenResponse }).toMatchObject({
      grantedScopes: ['a', 'b'],
      expiresInSeconds: 3600,
      refreshExpiresInSeconds: 604_799,
    });
    expect(await provider.findProviderUserId(tokenResponse)).toBe('health-user');
    expect(requests().at(-1)).toMatchObject({ method: 'GET', target: '/google-health/v4/users/me/identity' });
  });
});

describe('revocation at Google', () => {
  it('is proved by the token alone', async () => {
    const provider = await providerResponded(200, {});
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
    const [request] = requests();
    expect(request).toMatchObject({ method: 'POST', target: '/google-health/revoke' });
    expect(request?.headers.authorization).toBeUndefined();
    const form = new URLSearchParams(request?.body);
    expect(form.get('token')).toBe('not-a-real-rt');
    expect([...form.keys()].filter((name) => name.startsWith('client_'))).toEqual([]);
  });

  it('takes HTTP 400 as ended before', async () => {
    const provider = await providerResponded(400, { error: 'invalid_token' });
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
  });

  it('takes no other refusal as ended', async () => {
    const provider = await providerResponded(403, { error: 'invalid_token' });
    await expect(provider.revoke(tokens)).rejects.toMatchObject({ code: 'AUTHORIZATION_FAILED' });
  });
});
