import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { googleHealthDefinition } from './google-health.definition.js';

describeProviderContract(googleHealthDefinition);

const http = new ProviderHttpClient();
let server: RecordingServer;

afterAll(() => http.onApplicationShutdown());

/** The provider, at a server that has only this response. */
async function providerResponded(status: number, body: object): Promise<HealthProvider> {
  server = await startRecordingServer(() => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }));
  const settings = readProviderSettings(googleHealthDefinition, { SANDBOX_URL: server.url });
  const client = new OAuth2Client(http, new Clock());
  return createPlainProvider(googleHealthDefinition, settings, client);
}

const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['a', 'b'] };
const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt' };

describe('link with Google Health', () => {
  afterEach(() => server.close());

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
    expect(server.requests.at(-1)).toMatchObject({ method: 'GET', target: '/google-health/v4/users/me/identity' });
  });
});

describe('revocation at Google', () => {
  afterEach(() => server.close());

  it('is proved by the token alone', async () => {
    const provider = await providerResponded(200, {});
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
    const [request] = server.requests;
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
