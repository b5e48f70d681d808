import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { suuntoDefinition } from './suunto.definition.js';

describeProviderContract(suuntoDefinition);

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
  const settings = readProviderSettings(suuntoDefinition, { SANDBOX_URL: server.url });
  const client = new OAuth2Client(http, new Clock());
  return createPlainProvider(suuntoDefinition, settings, client);
}

const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['workout'] };

describe('link with Suunto', () => {
  afterEach(() => server.close());

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
  afterEach(() => server.close());

  it('names the client in the query and the user by the access token in the header', async () => {
    const provider = await providerResponded(200, {});
    await expect(provider.revoke({ accessToken: 'not-a-real-at' })).resolves.toBe('revoked');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      target: `/suunto/oauth/deauthorize?client_id=${provider.settings.clientId}`,
      headers: { authorization: 'Bearer not-a-real-at' },
    });
  });
});
