import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { polarV4Definition } from './polar-v4.definition.js';

describeProviderContract(polarV4Definition);

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
  const settings = readProviderSettings(polarV4Definition, { SANDBOX_URL: server.url });
  const client = new OAuth2Client(http, new Clock());
  return createPlainProvider(polarV4Definition, settings, client);
}

describe('link with Polar v4', () => {
  afterEach(() => server.close());

  it('knows the lifetime of a token without expires_in, and knows no user', async () => {
    const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['profile:read'] };
    const provider = await providerResponded(200, { token_type: 'bearer', access_token: 'at', refresh_token: 'rt' });
    const { secrets } = await provider.begin(handshake);
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect(tokenResponse.expiresInSeconds).toBe(43_199);
    expect(await provider.findProviderUserId(tokenResponse)).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });
});
