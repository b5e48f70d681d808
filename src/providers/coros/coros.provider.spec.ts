import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { useRespondingProvider } from '../../provider-kit/testing/responding-provider.js';
import { corosDefinition } from './coros.definition.js';

describeProviderContract(corosDefinition);

const { providerResponded, requests } = useRespondingProvider(corosDefinition);

const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt' };

describe('link with COROS', () => {
  it('reads the user from the token response, and takes one without token_type', async () => {
    const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: [] };
    const provider = await providerResponded(200, { access_token: 'at', refresh_token: 'rt', openId: 'open-id' });
    const { secrets } = await provider.begin(handshake);
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect(tokenResponse.expiresInSeconds).toBe(2_592_000);
    expect(await provider.findProviderUserId(tokenResponse)).toBe('open-id');
  });
});

describe('refresh at COROS', () => {
  it('gives the token in use 30 days more', async () => {
    const provider = await providerResponded(200, { result: '0000', message: 'OK' });
    expect({ ...(await provider.refresh(tokens)) }).toMatchObject({
      accessToken: 'not-a-real-at',
      refreshToken: undefined,
      expiresInSeconds: 2_592_000,
    });
    expect(requests().map(({ method, target }) => `${method} ${target}`)).toEqual(['POST /coros/oauth2/refresh-token']);
  });

  it('takes tokens in the response when they come after all', async () => {
    const response = { access_token: 'new-at', refresh_token: 'new-rt', expires_in: 60, openId: 'open-id' };
    const provider = await providerResponded(200, response);
    expect({ ...(await provider.refresh(tokens)) }).toMatchObject({
      accessToken: 'new-at',
      refreshToken: 'new-rt',
      expiresInSeconds: 60,
    });
  });

  it.each([
    ['5006', 'PROVIDER_MISCONFIGURED'],
    ['30009', 'TOKEN_REVOKED'],
    ['1', 'PROVIDER_UNAVAILABLE'],
  ])('reads result %s in an HTTP 200 response as %s', async (result, code) => {
    const provider = await providerResponded(200, { result, message: 'free text' });
    await expect(provider.refresh(tokens)).rejects.toMatchObject({ code });
  });
});

describe('result 5006 of COROS', () => {
  it('holds up no other connection, since it may concern this one alone', async () => {
    const provider = await providerResponded(200, { result: '5006', message: 'free text' });
    await expect(provider.refresh(tokens)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      refusesClient: false,
    });
  });
});

describe('revocation at COROS', () => {
  it('sends the access token in the query', async () => {
    const provider = await providerResponded(200, { result: '0000', message: 'OK' });
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
    expect(requests()).toHaveLength(1);
    expect(requests()[0]).toMatchObject({
      method: 'POST',
      target: '/coros/oauth2/deauthorize?token=not-a-real-at',
      body: '',
    });
  });

  it('is not done when the result says so', async () => {
    const provider = await providerResponded(200, { result: '30009', message: 'free text' });
    await expect(provider.revoke(tokens)).rejects.toMatchObject({ code: 'AUTHORIZATION_FAILED' });
  });
});
