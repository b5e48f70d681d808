import { describe, expect, it } from '@jest/globals';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { useRespondingProvider } from '../../provider-kit/testing/responding-provider.js';
import { stravaDefinition } from './strava.definition.js';

describeProviderContract(stravaDefinition);

const { providerResponded, requests } = useRespondingProvider(stravaDefinition);

const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['read', 'activity:read_all'] };
const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt', providerUserId: '7' };

describe('link with Strava', () => {
  it('reads the scopes from the callback and the athlete from the token response', async () => {
    const response = { token_type: 'Bearer', access_token: 'at', refresh_token: 'rt', athlete: { id: 7 } };
    const provider = await providerResponded(200, response);
    const { secrets } = await provider.begin(handshake);
    const callback = { code: 'code', state: 'state', scope: 'read,activity:read_all' };
    const tokenResponse = await provider.complete(callback, handshake, secrets);
    expect({ ...tokenResponse }).toMatchObject({
      grantedScopes: ['read', 'activity:read_all'],
      expiresInSeconds: 21_600,
    });
    expect(await provider.findProviderUserId(tokenResponse)).toBe('7');
  });
});

describe('refresh at Strava', () => {
  it('takes a response with the same tokens and without an athlete', async () => {
    const { accessToken: access_token, refreshToken: refresh_token } = tokens;
    const provider = await providerResponded(200, {
      token_type: 'Bearer',
      access_token,
      refresh_token,
      expires_at: 1_790_000_000,
      expires_in: 20_000,
    });
    expect({ ...(await provider.refresh(tokens)) }).toMatchObject({
      accessToken: access_token,
      refreshToken: refresh_token,
      expiresInSeconds: 20_000,
      providerUserId: undefined,
    });
  });
});

describe('a refusal of Strava', () => {
  const because = (resource: string, field: string): object => ({
    message: 'Bad Request',
    errors: [{ resource, field, code: 'invalid' }],
  });

  it.each([
    [401, because('Application', '')],
    [400, because('Application', 'client_id')],
    [400, because('Application', 'client_secret')],
    [403, { message: 'Authorization Error', errors: [{ resource: 'Application', field: 'Status', code: 'Inactive' }] }],
  ])('means this deployment and ends no connection: %i %j (TE-14)', async (status, body) => {
    const provider = await providerResponded(status, body);
    await expect(provider.refresh(tokens)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      refusesClient: true,
    });
  });

  it('means the grant when it names the refresh token', async () => {
    const provider = await providerResponded(400, because('RefreshToken', 'refresh_token'));
    await expect(provider.refresh(tokens)).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
  });

  it('means the code when it names that', async () => {
    const provider = await providerResponded(400, because('AuthorizationCode', 'code'));
    const { secrets } = await provider.begin(handshake);
    const redeemed = provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    await expect(redeemed).rejects.toMatchObject({ code: 'AUTHORIZATION_CODE_REFUSED' });
  });
});

describe('revocation at Strava', () => {
  it('has the client in the header and the token in the form', async () => {
    const provider = await providerResponded(200, {});
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
    const [request] = requests();
    expect(request).toMatchObject({ method: 'POST', target: '/strava/oauth/revoke' });
    expect(request?.headers.authorization).toMatch(/^Basic /);
    const form = new URLSearchParams(request?.body);
    expect(form.get('token')).toBe('not-a-real-rt');
    expect(form.has('client_secret')).toBe(false);
  });
});
