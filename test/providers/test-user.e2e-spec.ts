import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { observeUser, type UserObservation } from '../../src/cli/live/observe-command.js';
import { readDefinitions } from '../../src/cli/provider-catalogue.js';
import { Clock } from '../../src/clock/clock.js';
import { createClient } from '../../src/provider-kit/client/create-client.js';
import type { OAuth2Definition, ProviderDefinition } from '../../src/provider-kit/definition/provider-definition.js';
import {
  environmentPrefix,
  readProviderSettings,
  sandboxClientId,
  sandboxClientSecret,
  type ProviderSettings,
} from '../../src/provider-kit/definition/provider-settings.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../../src/provider-kit/http/http-message.js';
import { createPlainProvider } from '../../src/provider-kit/testing/plain-provider.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { OidcPeer } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { definePeer, peerEnvironment, peerScopes } from '../support/peer-provider.js';
import { checkout, startProcess } from '../support/service-process.js';
import { until } from '../support/until.js';
import { request } from '../../src/sandbox/testing/request.js';

/** Keeps what it receives, so that a test knows what must not be shown. */
class RecordingClient extends ProviderHttpClient {
  readonly bodies: string[] = [];

  override async exchange(sent: ProviderRequest): Promise<ProviderResponse<Buffer>> {
    const response = await super.exchange(sent);
    this.bodies.push(response.body.toString());
    return response;
  }
}

type Browser = (authorizeUrl: string) => Promise<URL>;

/** Approves as the user, and pastes the address that the browser ends at. */
async function observe(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  browser: Browser = consent,
): Promise<{ observation: UserObservation; secrets: string[] }> {
  const http = new RecordingClient();
  const input = new PassThrough();
  const told: string[] = [];
  let callback: URL | undefined;
  const tell = (text: string): void => {
    told.push(text);
    const link = /^https?:\S+$/m.exec(text)?.[0];
    if (link !== undefined) {
      void browser(link).then((redirected) => {
        callback = redirected;
        input.write(`not the address\n${redirected.href}\n`);
      });
    }
  };
  const provider = createPlainProvider(definition, settings, createClient(definition, http, new Clock()));
  try {
    const observation = await observeUser(provider, http, { input, tell }, new Date('2026-12-01T10:00:00Z'));
    expect(told.at(-1)).toContain('This is not a URL');
    const values = http.bodies.flatMap((body) => body.match(/[\w.~+/=-]{8,}/g) ?? []);
    const codes = [...(callback?.searchParams.values() ?? [])];
    // Names of fields, scopes and errors, and lifetimes, are no secrets.
    const names = new Set([...settings.scopes, ...http.bodies.flatMap((body) => body.match(/"\w+"(?=\s*:)/g) ?? [])]);
    const isSecret = (value: string): boolean =>
      !names.has(value) && !names.has(`"${value}"`) && !/^(\d+|invalid_grant)$/.test(value);
    const secrets = [...values, ...codes].filter(isSecret);
    return { observation, secrets };
  } finally {
    await http.onApplicationShutdown();
  }
}

function verdicts({ facts }: UserObservation): Record<string, string> {
  return Object.fromEntries(facts.map(({ fact, verdict }) => [fact, verdict]));
}

function differing({ facts }: UserObservation): string[] {
  return facts.filter(({ verdict }) => verdict === 'DIFFERS').map(({ fact }) => fact);
}

describe('a consent of a test user', () => {
  let sandbox: VendorSandbox;
  let definitions: Map<string, ProviderDefinition>;

  beforeAll(async () => {
    definitions = new Map((await readDefinitions()).map((definition) => [definition.slug, definition]));
    const providers = new Map([...definitions.values()].map(({ slug, sandbox: fake }) => [slug, fake]));
    sandbox = await VendorSandbox.start({ providers });
  });
  afterAll(() => sandbox.stop());

  function settingsOf(definition: ProviderDefinition): ProviderSettings {
    const settings = readProviderSettings(definition, { SANDBOX_URL: sandbox.url });
    return { ...settings, redirectUri: `https://link.example/v1/oauth/${definition.slug}/callback` };
  }

  function oauth2(slug: string): OAuth2Definition {
    const definition = definitions.get(slug);
    if (definition?.oauth !== '2.0') {
      throw new Error(`There is no provider ${slug} of OAuth 2.0.`);
    }
    return definition;
  }

  it.each([
    'whoop',
    'oura',
    'strava',
    'dexcom',
    'nolio',
    'google-health',
    'intervals-icu',
    'ride-with-gps',
    'fatsecret',
  ])('agrees with the definition of %s, shows no value, and leaves no grant', async (slug) => {
    const definition = definitions.get(slug);
    if (definition === undefined) {
      throw new Error(`There is no provider ${slug}.`);
    }
    const before = sandbox.provider(slug).liveGrants();
    const { observation, secrets } = await observe(definition, settingsOf(definition));

    expect(differing(observation)).toEqual([]);
    expect(observation).toMatchObject({ provider: slug, observedOn: '2026-12-01' });
    expect(observation.responses.length).toBeGreaterThan(0);
    const shown = JSON.stringify(observation);
    expect(secrets.length).toBeGreaterThan(2);
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    if (definition.revocation !== undefined) {
      expect(sandbox.provider(slug).liveGrants()).toEqual(before);
    }
  });

  it('shows the end of the grant after a used refresh token at a strict provider', async () => {
    const { observation } = await observe(oauth2('whoop'), settingsOf(oauth2('whoop')));
    expect(verdicts(observation)).toMatchObject({ rotation: 'OK', grace: 'OK' });
    expect(observation.responses.filter(({ from }) => from === 'POST token refresh_token').length).toBeGreaterThan(1);
  });

  it.each<[string, (honest: OAuth2Definition) => OAuth2Definition, readonly string[]]>([
    [
      'keeps its refresh token',
      (honest) => ({ ...honest, refresh: { ...honest.refresh, rotates: 'never' } }),
      ['rotation'],
    ],
    [
      'takes a used refresh token again',
      (honest) => ({ ...honest, refresh: { ...honest.refresh, grace: { seconds: 60 } } }),
      ['grace'],
    ],
    [
      'lets the old access token live',
      (honest) => ({ ...honest, refresh: { ...honest.refresh, oldAccessTokenDiesOnRefresh: false } }),
      ['old access token'],
    ],
    ['has no refresh token', (honest) => ({ ...honest, noRefreshToken: true }), ['refresh token']],
    ['tells the life of its refresh token', (honest) => ({ ...honest, refreshExpiresInField: 'x' }), ['refresh token']],
    [
      'gives tokens another life',
      (honest) => ({ ...honest, accessTokenLifetimeSeconds: 1 }),
      ['access token lifetime'],
    ],
    [
      'has the user elsewhere',
      (honest) => ({ ...honest, account: { from: 'token-response', field: 'nowhere.id' } }),
      ['account'],
    ],
  ])('notices a definition which says that the provider %s', async (_what, change, expected) => {
    const definition = change(oauth2('whoop'));
    const { observation } = await observe(definition, settingsOf(definition));
    expect(differing(observation)).toEqual(expect.arrayContaining([...expected]));
  });

  it('notices a revocation that is not where it is declared', async () => {
    const honest = oauth2('google-health');
    const elsewhere = { proof: 'token', method: 'POST', url: 'https://provider.invalid/nowhere' } as const;
    const definition = { ...honest, revocation: elsewhere };
    const { observation } = await observe(definition, settingsOf(definition));
    expect(differing(observation)).toEqual(['revocation']);
  });

  it('refuses a redirect of another attempt, and redeems nothing', async () => {
    const definition = oauth2('whoop');
    const tokenCalls = (): number => sandbox.provider('whoop').history.filter(({ kind }) => kind === 'token').length;
    const before = tokenCalls();
    const foreign: Browser = async (link) => {
      const callback = await consent(link);
      callback.searchParams.set('state', 'of-another-attempt');
      return callback;
    };
    await expect(observe(definition, settingsOf(definition), foreign)).rejects.toThrow('of another attempt');
    expect(tokenCalls()).toBe(before);
  });

  it('is a command that waits at the redirect URI, prints no secret, and writes a dated file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cufflink-observed-'));
    const reserved = createServer().listen(0, '127.0.0.1');
    await once(reserved, 'listening');
    const { port } = reserved.address() as AddressInfo;
    reserved.close();
    await once(reserved, 'close');
    const redirectUri = `http://127.0.0.1:${port}/v1/oauth/whoop/callback`;
    const { endpoints } = settingsOf(oauth2('whoop'));
    const prefix = environmentPrefix('whoop');
    const command = startProcess(
      [join(checkout, 'bin/cufflink.js'), 'doctor', '--live', '--with-test-user', 'whoop', '--fixtures', folder],
      folder,
      {
        [`${prefix}_CLIENT_ID`]: sandboxClientId('whoop'),
        [`${prefix}_CLIENT_SECRET`]: sandboxClientSecret('whoop'),
        [`${prefix}_REDIRECT_URL`]: redirectUri,
        [`${prefix}_AUTH_URL`]: endpoints.authorizeUrl,
        [`${prefix}_TOKEN_URL`]: 'tokenUrl' in endpoints ? endpoints.tokenUrl : '',
        [`${prefix}_API_BASE_URL`]: endpoints.apiBaseUrl ?? '',
      },
    );
    try {
      const isThere = (): boolean =>
        /Waiting for the browser at/.test(command.stderr()) || command.child.exitCode !== null;
      await until('the command waits', isThere, 120_000);
      const link = /^https?:\S+$/m.exec(command.stderr())?.[0] ?? '';
      expect((await request(`http://127.0.0.1:${port}/elsewhere`)).statusCode).toBe(404);
      const callback = await consent(link);
      expect((await request(callback)).statusCode).toBe(200);
      expect(await command.ended()).toMatchObject({ status: 0 });

      const written = JSON.parse(await readFile(join(folder, 'observed.json'), 'utf8')) as UserObservation;
      expect(written).toMatchObject({ provider: 'whoop', observedOn: new Date().toISOString().slice(0, 10) });
      expect(differing(written)).toEqual([]);
      const code = callback.searchParams.get('code') ?? 'none';
      const shown = command.output() + JSON.stringify(written);
      expect(shown).not.toContain(code);
      expect(shown).not.toContain(sandboxClientSecret('whoop'));
      expect(command.stdout()).toContain('"access_token": "string(');
    } finally {
      await command.stop();
      await rm(folder, { recursive: true });
    }
  });
});

describe('a consent at a certified authorization server', () => {
  const client: PeerClient = {
    id: 'peer-user',
    secret: 'peer-user-secret %:+',
    authentication: 'client_secret_basic',
    redirectUri: 'https://link.example/v1/oauth/peer-user/callback',
  };
  let peer: OidcPeer;
  beforeAll(async () => {
    peer = await OidcPeer.start({ clients: [client], scopes: peerScopes, accessTokenLifetimeSeconds: 900 });
  });
  afterAll(() => peer.stop());

  it('agrees with an honest definition, and shows the end of the whole grant by a used refresh token', async () => {
    const definition = definePeer('peer-user', 'basic', { accessTokenLifetimeSeconds: 900 });
    const settings = readProviderSettings(definition, peerEnvironment(peer, 'peer-user', client));
    const { observation, secrets } = await observe(definition, settings, (link) => peer.consent(link));
    expect(differing(observation).filter((fact) => fact !== 'revocation')).toEqual([]);
    expect(observation.facts.find(({ fact }) => fact === 'reuse')?.compared).toContain('ends the whole grant');
    const shown = JSON.stringify(observation);
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  });

  it('differs from a definition which says that a used refresh token is ignored', async () => {
    const honest = definePeer('peer-user', 'basic');
    const definition = { ...honest, refresh: { ...honest.refresh, reuse: 'error' as const } };
    const settings = readProviderSettings(definition, peerEnvironment(peer, 'peer-user', client));
    const { observation } = await observe(definition, settings, (link) => peer.consent(link));
    expect(differing(observation)).toContain('reuse');
  });
});
