import { afterEach, beforeEach } from '@jest/globals';
import { ProviderHttpClient } from '../http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../http/http-message.js';
import { canary } from './canary.js';

/** The client under test. A test that shuts it down replaces it. */
export let client: ProviderHttpClient;
let openServers: { close(): Promise<void> }[];

/** Gives each test around it a client of its own, and closes the client and the servers after it. */
export function useHttpClient(): void {
  beforeEach(() => {
    replaceClient();
    openServers = [];
  });

  afterEach(async () => {
    await Promise.all(openServers.map((server) => server.close()));
    await client.onApplicationShutdown();
  });
}

/** Makes a new client, after the test has shut down the one before. */
export function replaceClient(): void {
  client = new ProviderHttpClient();
}

/** Registers a server to be closed after the test. */
export function opened<Server extends { close(): Promise<void> }>(server: Server): Server {
  openServers.push(server);
  return server;
}

/** Sends a POST that carries the canary in every place that an error could quote. */
export function post(url: string, more: Partial<ProviderRequest> = {}): Promise<ProviderResponse> {
  return client.send({
    method: 'POST',
    url: `${url}/token/${canary}?q=${canary}`,
    headers: { authorization: `Bearer ${canary}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: `refresh_token=${canary}`,
    timeoutMs: 5000,
    ...more,
  });
}
