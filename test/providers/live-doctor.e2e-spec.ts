import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { askProvider, type LiveReport } from '../../src/cli/live/live-doctor.js';
import { ProbeDiary } from '../../src/cli/live/probe-diary.js';
import type { CatalogueEntry } from '../../src/cli/provider-catalogue.js';
import { readDefinitions } from '../../src/cli/provider-catalogue.js';
import { Clock } from '../../src/clock/clock.js';
import { createClient } from '../../src/provider-kit/client/create-client.js';
import type { ProviderDefinition } from '../../src/provider-kit/definition/provider-definition.js';
import { readProviderSettings } from '../../src/provider-kit/definition/provider-settings.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import {
  exampleOAuth1,
  exampleOAuth1Settings,
  exampleOAuth2,
  exampleSettings,
} from '../../src/provider-kit/testing/example-definition.js';
import { createPlainProvider } from '../../src/provider-kit/testing/plain-provider.js';
import {
  startRecordingServer,
  type PreparedResponse,
  type RecordedRequest,
  type RecordingServer,
} from '../../src/provider-kit/testing/recording-server.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { OidcPeer } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { definePeer, peerEnvironment, peerScopes } from '../support/peer-provider.js';

const outbound = { allowLoopback: true, privateHosts: [], sandboxHost: undefined, proxyUrl: undefined };
const now = (): Date => new Date();

function ask(entry: CatalogueEntry, withClient = true, before = {}): Promise<LiveReport> {
  return askProvider(entry, { withClient, outbound, now, before });
}

function verdicts({ results }: LiveReport): Record<string, string> {
  return Object.fromEntries(results.map(({ probe, verdict }) => [probe, verdict]));
}

describe('probes of a provider that does as declared', () => {
  let sandbox: VendorSandbox;
  let definitions: Map<string, ProviderDefinition>;
  const http = new ProviderHttpClient();

  beforeAll(async () => {
    definitions = new Map((await readDefinitions()).map((definition) => [definition.slug, definition]));
    const providers = new Map([...definitions.values()].map(({ slug, sandbox: fake }) => [slug, fake]));
    sandbox = await VendorSandbox.start({ providers });
  });
  afterAll(async () => {
    await http.onApplicationShutdown();
    await sandbox.stop();
  });

  function entryOf(slug: string): CatalogueEntry {
    const declared = definitions.get(slug);
    if (declared === undefined) {
      throw new Error(`There is no provider ${slug}.`);
    }
    const definition = { ...declared, docsUrl: `${sandbox.url}/` };
    return { definition, settings: readProviderSettings(definition, { SANDBOX_URL: sandbox.url }) };
  }

  it('find nothing that differs at any fake, but for the providers that have ended and whose fakes live on', async () => {
    const differing: string[] = [];
    for (const slug of definitions.keys()) {
      const { results } = await ask(entryOf(slug));
      expect(results.filter(({ verdict }) => verdict === 'OK').length).toBeGreaterThan(2);
      const found = results.filter(({ verdict }) => verdict === 'DIFFERS');
      differing.push(...found.map(({ probe }) => `${slug}: ${probe}`));
    }
    expect(differing).toEqual(['fitbit: end of the provider', 'fitbit-oauth1: end of the provider']);
  });

  it.each(['whoop', 'oura', 'garmin', 'strava', 'coros', 'suunto', 'nolio', 'garmin-oauth1'])(
    'spend and end nothing at the fake of %s: every token of a user works as before',
    async (slug) => {
      const entry = entryOf(slug);
      const fake = sandbox.provider(slug);
      const provider = createPlainProvider(
        entry.definition,
        entry.settings,
        createClient(entry.definition, http, new Clock()),
      );
      const { redirectUri, scopes } = entry.settings;
      const handshake = { state: 'state-of-the-test-not-random', redirectUri, scopes };
      const { authorizeUrl, secrets } = await provider.begin(handshake);
      const callback = Object.fromEntries((await consent(authorizeUrl)).searchParams);
      const tokens = await provider.complete(callback, handshake, secrets);
      const grants = fake.liveGrants();

      await ask(entry);

      expect(fake.liveGrants()).toEqual(grants);
      expect(fake.isLiveAccessToken(tokens.accessToken)).toBe(true);
      if (tokens.refreshToken !== undefined) {
        expect(fake.isLiveRefreshToken(tokens.refreshToken)).toBe(true);
        expect((await provider.refresh(tokens)).accessToken).not.toBe('');
      }
      expect(fake.history.filter(({ kind, outcome }) => kind === 'consent' && outcome !== 'ok')).toEqual([]);
    },
  );
});

describe('probes of a certified authorization server', () => {
  const client: PeerClient = {
    id: 'peer-live',
    secret: 'peer-live-secret %:+',
    authentication: 'client_secret_basic',
    redirectUri: 'http://localhost:3000/v1/oauth/peer-live/callback',
  };
  let peer: OidcPeer;

  beforeAll(async () => {
    peer = await OidcPeer.start({ clients: [client], scopes: peerScopes, accessTokenLifetimeSeconds: 900 });
  });
  afterAll(() => peer.stop());

  it('find agreement, and revoke nothing', async () => {
    const definition = {
      ...definePeer('peer-live', 'basic', { issuers: ['https://peer.invalid'] }),
      docsUrl: peer.url,
    };
    const environment = { ...peerEnvironment(peer, 'peer-live', client), PEER_LIVE_ISSUER: peer.url };
    const report = await ask({ definition, settings: readProviderSettings(definition, environment) });
    expect(verdicts(report)).toMatchObject({
      clock: 'OK',
      'discovery document': 'OK',
      'authorization page': 'OK',
      'foreign redirect URI': 'OK',
      'wrong client': 'OK',
      'random code': 'OK',
      'random refresh token': 'OK',
      'random revocation': 'OK',
      'account call': 'OK',
    });
    expect(peer.revokedGrants).toBe(0);
    expect(peer.tokenRequests.map(({ refreshToken }) => refreshToken)).toEqual([undefined, undefined, undefined]);
  });
});

describe('probes of a provider that does not do as declared', () => {
  let server: RecordingServer;
  afterEach(() => server.close());

  async function askAbout(
    response: (request: RecordedRequest) => PreparedResponse,
    change: Partial<typeof exampleOAuth2> = {},
    withClient = true,
  ): Promise<Record<string, string>> {
    server = await startRecordingServer(response);
    const account = { from: 'api', url: 'https://provider.example/api/me', field: 'id' } as const;
    const definition = { ...exampleOAuth2, account, docsUrl: `${server.url}/docs`, ...change };
    return verdicts(await ask({ definition, settings: exampleSettings(server.url) }, withClient));
  }

  const json = (body: object, status = 200): PreparedResponse => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  it('notice an endpoint that is elsewhere', async () => {
    const found = await askAbout(() => ({ status: 404 }));
    expect(found).toMatchObject({
      'authorization page': 'DIFFERS',
      'wrong client': 'DIFFERS',
      'random code': 'DIFFERS',
      'random refresh token': 'DIFFERS',
      'account call': 'DIFFERS',
      documentation: 'DIFFERS',
    });
  });

  it('notice a host that has moved, and do not follow it', async () => {
    const found = await askAbout(({ target }) => ({
      status: 301,
      headers: { location: `http://127.0.0.1:9${target}` },
    }));
    expect(found).toMatchObject({ 'wrong client': 'DIFFERS', 'random refresh token': 'DIFFERS' });
  });

  it('notice that a foreign redirect URI is accepted', async () => {
    const found = await askAbout(({ target }) => {
      const redirectUri = new URL(target, 'http://provider.example').searchParams.get('redirect_uri');
      return redirectUri === null ? { status: 401 } : { status: 302, headers: { location: `${redirectUri}?code=1` } };
    });
    expect(found).toMatchObject({ 'foreign redirect URI': 'DIFFERS' });
  });

  it('notice that PKCE is rejected where it is declared', async () => {
    const rejecting = ({ target }: RecordedRequest): PreparedResponse =>
      target.includes('code_challenge') ? { status: 400 } : { status: 200 };
    expect(await askAbout(rejecting)).toMatchObject({ 'authorization page': 'DIFFERS' });
    await server.close();
    const found = await askAbout(rejecting, { pkce: 'unsupported' });
    expect(found).toMatchObject({ 'authorization page': 'OK', PKCE: 'OK' });
  });

  it('notice that anybody is served', async () => {
    const found = await askAbout(() => json({ access_token: 'not-a-real-token', token_type: 'bearer', id: 7 }));
    expect(found).toMatchObject({ 'wrong client': 'DIFFERS', 'random code': 'DIFFERS', 'account call': 'DIFFERS' });
  });

  it('notice that a wrong client is blamed on the code', async () => {
    const found = await askAbout(() => json({ error: 'invalid_grant' }, 400));
    expect(found).toMatchObject({ 'wrong client': 'DIFFERS', 'random code': 'OK', 'random refresh token': 'OK' });
  });

  it('notice a discovery document with other endpoints', async () => {
    const found = await askAbout(({ target }) =>
      target.startsWith('/.well-known/')
        ? json({ token_endpoint: 'https://elsewhere.example/token', code_challenge_methods_supported: ['S256'] })
        : { status: 401 },
    );
    expect(found).toMatchObject({ 'discovery document': 'DIFFERS' });
  });

  it('notice a signature that is not checked', async () => {
    server = await startRecordingServer(() => ({
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true',
    }));
    const definition = { ...exampleOAuth1, docsUrl: server.url };
    const found = verdicts(await ask({ definition, settings: exampleOAuth1Settings(server.url) }));
    expect(found).toMatchObject({ 'request token': 'OK', 'wrong signature': 'DIFFERS' });
  });

  it('do not know what a provider does that is down', async () => {
    const found = await askAbout(() => ({ status: 503 }));
    expect(Object.values(found)).not.toContain('DIFFERS');
  });

  it('send our secret only with --with-client, at most one request each, and marked values otherwise', async () => {
    const secret = exampleSettings('https://provider.example').clientSecret.reveal();
    const encoded = new URLSearchParams({ '': secret }).toString().slice(1);
    const sent = ({ headers, body, target }: RecordedRequest): string => {
      const basic = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
      return [target, body, basic, headers.authorization].join(' ');
    };
    const showing = (withClient: boolean): Promise<Record<string, string>> =>
      askAbout(() => json({ error: 'invalid_client' }, 401), {}, withClient);

    const without = await showing(false);
    expect(server.requests.filter((request) => sent(request).includes(encoded))).toEqual([]);
    expect(server.requests.length).toBeLessThanOrEqual(Object.keys(without).length);
    expect(without).toMatchObject({ 'random code': 'UNKNOWN', 'random refresh token': 'UNKNOWN' });
    for (const request of server.requests.filter(({ method }) => method === 'POST')) {
      expect(sent(request)).toContain('cufflink-probe-');
    }
    await server.close();

    await showing(true);
    expect(server.requests.filter((request) => sent(request).includes(encoded)).length).toBeGreaterThan(0);
  });

  it('notice that the documentation page has changed since the last run', async () => {
    let text = 'first';
    server = await startRecordingServer(() => ({ body: text }));
    const definition = { ...exampleOAuth2, docsUrl: `${server.url}/docs` };
    const entry = { definition, settings: exampleSettings(server.url) };
    const first = await ask(entry);
    expect(verdicts(first)).toMatchObject({ documentation: 'UNKNOWN' });
    expect(verdicts(await ask(entry, true, first.memory))).toMatchObject({ documentation: 'OK' });
    text = 'second';
    expect(verdicts(await ask(entry, true, first.memory))).toMatchObject({ documentation: 'DIFFERS' });
  });
});

describe('the diary of probes', () => {
  it('lets a provider be asked once a day, also by another process', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-diary-'));
    try {
      const file = join(directory, 'kept', 'probes.json');
      const noon = new Date('2026-11-30T12:00:00Z');
      const diary = await ProbeDiary.open(file);
      expect(diary.blockedUntil('oura', noon)).toBeUndefined();
      await diary.note('oura', noon, { documentation: 'digest' });

      const later = await ProbeDiary.open(file);
      expect(later.blockedUntil('oura', new Date('2026-12-01T11:59:59Z'))).toEqual(new Date('2026-12-01T12:00:00Z'));
      expect(later.blockedUntil('oura', new Date('2026-12-01T12:00:00Z'))).toBeUndefined();
      expect(later.blockedUntil('whoop', noon)).toBeUndefined();
      expect(later.memoryOf('oura')).toEqual({ documentation: 'digest' });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
