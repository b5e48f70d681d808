import { afterEach, beforeEach, expect } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { OAuth1Verifier } from '../../sandbox/oauth1/oauth1-verifier.js';
import { OAuth1Client } from '../client/oauth1-client.js';
import { OAuth2Client } from '../client/oauth2-client.js';
import type { OAuth1Definition } from '../definition/provider-definition.js';
import { ProviderHttpClient } from '../http/http-client.js';
import { exampleOAuth1Settings, exampleSettings } from './example-definition.js';
import {
  startRecordingServer,
  type PreparedResponse,
  type RecordedRequest,
  type RecordingServer,
} from './recording-server.js';

/** The instant of the clients and of the providers. */
export const now = new Date('2026-03-01T12:00:00Z');
export const tokenBody = { access_token: 'newAT', token_type: 'Bearer', expires_in: 3600, refresh_token: 'newRT' };
export const code = { code: 'the/code+1', redirectUri: 'https://app.example/callback?a=1', scopes: [] };
export const temporary = 'oauth_token=tmp&oauth_token_secret=tmpSecret&oauth_callback_confirmed=true';
export const json = { 'content-type': 'application/json' };
export const html = { 'content-type': 'text/html' };

/** Clients of both versions of OAuth, and the servers that replace providers in one test. */
export class ClientBench {
  readonly http = new ProviderHttpClient();
  private readonly clock = Object.assign(new Clock(), { now: () => now });
  readonly oauth1 = new OAuth1Client(this.http, this.clock);
  readonly oauth2 = new OAuth2Client(this.http, this.clock);
  private readonly servers: RecordingServer[] = [];

  /** Starts a server that stops with the test. */
  async start(...parameters: Parameters<typeof startRecordingServer>): Promise<RecordingServer> {
    const server = await startRecordingServer(...parameters);
    this.servers.push(server);
    return server;
  }

  /** Starts a provider with our clock that gives one and the same response, and settings that point at it. */
  async provider({ headers, ...response }: PreparedResponse) {
    const server = await this.start(() => ({ ...response, headers: { date: now.toUTCString(), ...headers } }));
    return { server, settings: exampleSettings(server.url), oauth1Settings: exampleOAuth1Settings(server.url) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
    await this.http.onApplicationShutdown();
  }
}

/** Gives each test of the file a bench of its own. */
export function useClientBench(): () => ClientBench {
  let bench: ClientBench;
  beforeEach(() => {
    bench = new ClientBench();
  });
  afterEach(() => bench.stop());
  return () => bench;
}

export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): PreparedResponse {
  return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) };
}

/** Returns the one request that arrived. */
export function only(server: RecordingServer): RecordedRequest {
  expect(server.requests).toHaveLength(1);
  return server.requests[0] as RecordedRequest;
}

export function formOf(request: RecordedRequest): Record<string, string> {
  expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded');
  const pairs = [...new URLSearchParams(request.body)];
  expect(new Set(pairs.map(([name]) => name)).size).toBe(pairs.length);
  return Object.fromEntries(pairs);
}

/** Checks a signature as the vendor sandbox does: with code of its own, from what arrived on the wire. */
export function verified(
  request: RecordedRequest,
  baseUrl: string,
  tokenSecrets: Readonly<Record<string, string>> = {},
  method: OAuth1Definition['signatureMethod'] = 'HMAC-SHA1',
): ReadonlyMap<string, string> {
  return new OAuth1Verifier(method, () => now.getTime()).verify(
    {
      method: request.method,
      scheme: 'http',
      host: new URL(baseUrl).host,
      target: request.target,
      authorization: request.headers.authorization,
      contentType: request.headers['content-type'],
      body: request.body,
    },
    {
      findClientSecret: (key) => (key === 'client:1 ü' ? 'a:b%+ &ü' : undefined),
      findTokenSecret: (token) => tokenSecrets[token],
    },
  );
}
