import { afterAll, afterEach } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { OAuth2Client } from '../client/oauth2-client.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { readProviderSettings } from '../definition/provider-settings.js';
import type { HealthProvider } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import { createPlainProvider } from './plain-provider.js';
import { startRecordingServer, type RecordedRequest, type RecordingServer } from './recording-server.js';

/** A provider at a server of the test. */
export interface RespondingProvider {
  /** Starts a server that has only this JSON response, and returns the provider at it. */
  readonly providerResponded: (status: number, body: object) => Promise<HealthProvider>;
  /** The requests that the last server has received. */
  readonly requests: () => readonly RecordedRequest[];
}

/** Lets the tests of a file choose the response of a provider. Each server is closed after its test. */
export function useRespondingProvider(definition: OAuth2Definition): RespondingProvider {
  const http = new ProviderHttpClient();
  let server: RecordingServer | undefined;

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  afterAll(() => http.onApplicationShutdown());

  return {
    providerResponded: async (status, body) => {
      server = await startRecordingServer(() => ({
        status,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }));
      const settings = readProviderSettings(definition, { SANDBOX_URL: server.url });
      return createPlainProvider(definition, settings, new OAuth2Client(http, new Clock()));
    },
    requests: () => server?.requests ?? [],
  };
}
