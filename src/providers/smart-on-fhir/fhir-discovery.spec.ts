import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import {
  startRecordingServer,
  type PreparedResponse,
  type RecordingServer,
} from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { FhirDiscovery } from './fhir-discovery.js';
import { readFhirServers, type FhirServer } from './fhir-servers.js';
import { parseSmartConfiguration } from './smart-configuration.js';

const hourMs = 60 * 60 * 1_000;

describe('FhirDiscovery', () => {
  const http = new ProviderHttpClient();
  let peer: RecordingServer;
  let response: PreparedResponse;
  let nowMs: number;
  let discovery: FhirDiscovery;

  const good = (tokenPath = '/token'): PreparedResponse => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      authorization_endpoint: `${peer.url}/authorize`,
      token_endpoint: peer.url + tokenPath,
      code_challenge_methods_supported: ['S256'],
      capabilities: ['launch-standalone'],
    }),
  });

  beforeEach(async () => {
    Logger.overrideLogger(false);
    peer = await startRecordingServer(() => response);
    response = good();
    nowMs = 1_000;
    const [server] = readFhirServers({
      SMART_ON_FHIR_CLIENT_ID: 'client-1',
      SMART_ON_FHIR_CLIENT_SECRET: 'secret-1',
      SMART_ON_FHIR_API_BASE_URL: `${peer.url}/R4/`,
    });
    discovery = new FhirDiscovery(server as FhirServer, new OAuth2Client(http, new Clock()), () => nowMs);
  });
  afterEach(async () => {
    Logger.overrideLogger(true);
    await peer.close();
  });
  afterAll(() => http.onApplicationShutdown());

  it('reads the document below the FHIR base URL, and keeps the used fields', async () => {
    expect(await discovery.read()).toEqual({
      authorization_endpoint: `${peer.url}/authorize`,
      token_endpoint: `${peer.url}/token`,
      code_challenge_methods_supported: ['S256'],
    });
    expect(peer.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      'GET /R4/.well-known/smart-configuration',
    ]);
  });

  it('asks once for callers at the same time', async () => {
    await Promise.all([discovery.read(), discovery.read(), discovery.read()]);
    expect(peer.requests).toHaveLength(1);
  });

  it('uses a document for an hour, then reads it again', async () => {
    await discovery.read();
    response = good('/new-token');
    nowMs += hourMs - 1;
    expect(await discovery.read()).toMatchObject({ token_endpoint: `${peer.url}/token` });
    nowMs += 1;
    expect(await discovery.read()).toMatchObject({ token_endpoint: `${peer.url}/new-token` });
    expect(peer.requests).toHaveLength(2);
  });

  it.each<readonly [string, () => PreparedResponse]>([
    ['is down', () => ({ status: 503 })],
    ['has no such document any more', () => ({ status: 404 })],
    [
      'names an endpoint elsewhere',
      () => ({ ...good(), body: good().body?.toString().replaceAll(peer.url, 'https://x.example') ?? '' }),
    ],
  ])('keeps the last good document for a minute at a time while the server %s (AR-19)', async (_name, bad) => {
    await discovery.read();
    response = bad();
    nowMs += hourMs;
    expect(await discovery.read()).toMatchObject({ token_endpoint: `${peer.url}/token` });
    nowMs += 59_999;
    await discovery.read();
    expect(peer.requests).toHaveLength(2);
    response = good('/new-token');
    nowMs += 1;
    expect(await discovery.read()).toMatchObject({ token_endpoint: `${peer.url}/new-token` });
  });

  it.each<readonly [string, PreparedResponse, object]>([
    ['is down', { status: 503 }, { code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' }],
    [
      'limits the rate',
      { status: 429, headers: { 'retry-after': '17' } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 17 },
    ],
    ['has no such document', { status: 404 }, { code: 'PROVIDER_MISCONFIGURED' }],
    [
      'redirects',
      { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
      { code: 'PROVIDER_UNAVAILABLE', fate: 'not-sent' },
    ],
    [
      'responds with a page',
      { headers: { 'content-type': 'text/html' }, body: '<p>' },
      { code: 'PROVIDER_UNAVAILABLE' },
    ],
    [
      'responds with a list',
      { headers: { 'content-type': 'application/json' }, body: '[]' },
      { code: 'PROVIDER_MISCONFIGURED', message: expect.stringContaining('the whole document') as unknown },
    ],
  ])('fails when the server %s, and tries again at the next call', async (_name, bad, expected) => {
    response = bad;
    await expect(discovery.read()).rejects.toMatchObject(expected);
    response = good();
    expect(await discovery.read()).toMatchObject({ token_endpoint: `${peer.url}/token` });
  });
});

describe('parseSmartConfiguration', () => {
  const [, server] = readFhirServers({
    SMART_ON_FHIR_SERVERS: 'hospital=https://fhir.hospital.example/R4',
    SMART_ON_FHIR_HOSPITAL_CLIENT_ID: 'client-1',
    SMART_ON_FHIR_HOSPITAL_CLIENT_SECRET: 'secret-1',
    SMART_ON_FHIR_HOSPITAL_ALLOWED_HOSTS: 'login.hospital.example, sso.example:8443',
  }) as [FhirServer, FhirServer];
  const document = {
    authorization_endpoint: 'https://fhir.hospital.example/authorize',
    token_endpoint: 'https://fhir.hospital.example/token',
    code_challenge_methods_supported: ['S256'],
  };

  it.each([
    [{}],
    [{ token_endpoint: 'https://login.hospital.example/token' }],
    [{ token_endpoint: 'https://sso.example:8443/token' }],
    [{ revocation_endpoint: 'https://login.hospital.example/revoke' }],
    [{ revocation_endpoint: null }],
    [{ issuer: null }],
    [{ issuer: 'https://login.hospital.example/tenant' }],
    [{ issuer: 'https://fhir.hospital.example', authorization_response_iss_parameter_supported: true }],
    [{ code_challenge_methods_supported: ['plain', 'S256'] }],
  ])('takes %j (AR-19)', (change) => {
    expect(parseSmartConfiguration({ ...document, ...change }, server)).toEqual({ ...document, ...change });
  });

  it.each([
    ['authorization_endpoint', undefined],
    ['authorization_endpoint', 'https://evil.example/authorize'],
    ['authorization_endpoint', 'javascript:alert(1)'],
    ['token_endpoint', undefined],
    ['token_endpoint', 17],
    ['token_endpoint', 'token'],
    ['token_endpoint', 'http://fhir.hospital.example/token'],
    ['token_endpoint', 'http://127.0.0.1/token'],
    ['token_endpoint', 'https://169.254.169.254/latest'],
    ['token_endpoint', 'https://fhir.hospital.example.evil.example/token'],
    ['token_endpoint', 'https://fhir.hospital.example:8443/token'],
    ['token_endpoint', 'https://sso.example/token'],
    ['token_endpoint', 'https://fhir.hospital.example@evil.example/token'],
    ['token_endpoint', 'https://user@fhir.hospital.example/token'],
    ['token_endpoint', 'https://fhir.hospital.example/token#x'],
    ['revocation_endpoint', 'https://evil.example/revoke'],
    ['issuer', 'https://evil.example'],
    ['issuer', 'http://fhir.hospital.example'],
    ['issuer', 'hospital'],
    ['authorization_response_iss_parameter_supported', 'true'],
    ['code_challenge_methods_supported', undefined],
    ['code_challenge_methods_supported', ['plain']],
  ])('refuses %s: %j, and says which field it was (AR-19)', async (field, value) => {
    const parse = async (): Promise<unknown> => parseSmartConfiguration({ ...document, [field]: value }, server);
    await expect(parse()).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      message: expect.stringContaining(field) as unknown,
    });
  });
});
