import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings, type OAuth2Settings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { ouraDefinition } from './oura.definition.js';

const http = new ProviderHttpClient();
afterAll(() => http.onApplicationShutdown());

function createProvider(settings: OAuth2Settings, client = new OAuth2Client(http, new Clock())): HealthProvider {
  return createPlainProvider(ouraDefinition, settings, client);
}

describeProviderContract(ouraDefinition, createProvider);

describe('the servers of Oura', () => {
  const credentials = { OURA_CLIENT_ID: 'id', OURA_CLIENT_SECRET: 'not-a-real-secret' };
  const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt' };
  let server: RecordingServer;

  afterEach(() => server.close());

  async function revoked(environment: Record<string, string>) {
    server = await startRecordingServer(() => ({ status: 200 }));
    await createProvider(readProviderSettings(ouraDefinition, { SANDBOX_URL: server.url, ...environment })).revoke(
      tokens,
    );
    const [request] = server.requests;
    return { target: request?.target, form: new URLSearchParams(request?.body) };
  }

  it('are asked to end a grant with the token in the body, where the app is of the new portal', async () => {
    for (const environment of [{}, { OURA_SERVER: 'portal' }]) {
      const { target, form } = await revoked(environment);
      expect(target).toBe('/oura/oauth/v2/ext/oauth-revoke');
      expect(Object.fromEntries(form)).toMatchObject({ token: 'not-a-real-rt', client_id: 'sandbox-oura-client' });
      expect(form.get('client_secret')).not.toBeNull();
      await server.close();
    }
  });

  it('are asked with the token in the query by an app of the classic portal only', async () => {
    const { target, form } = await revoked({ OURA_SERVER: 'classic' });
    expect(target).toBe('/oura/oauth/revoke?access_token=not-a-real-at');
    expect([...form]).toEqual([]);
  });

  it('have scopes of their own', async () => {
    server = await startRecordingServer(() => ({}));
    expect(readProviderSettings(ouraDefinition, credentials).scopes[0]).toBe('extapi:personal');
    const classic = readProviderSettings(ouraDefinition, { ...credentials, OURA_SERVER: 'classic' });
    expect(classic.scopes[0]).toBe('email');
    expect(JSON.stringify(classic.endpoints)).not.toContain('moi.ouraring.com');
  });
});
