import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, UnsecuredJWT } from 'jose';
import { consent, type ConsentOptions } from '../../sandbox/testing/consent.js';
import { Clock } from '../../clock/clock.js';
import { VendorSandbox } from '../../sandbox/vendor-sandbox.js';
import type { FakeProvider } from '../../sandbox/fake-provider.js';
import type { Misbehaviour } from '../../sandbox/misbehaviour.js';
import type { HandshakeSecrets } from '../handshake.js';
import type { HealthProvider } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import {
  definitionInForce,
  isDefaultServer,
  type OAuth2Definition,
  type ProviderDefinition,
} from '../definition/provider-definition.js';
import type { OAuth2Endpoints } from '../definition/provider-endpoints.js';
import { uncheckedIssuers } from '../provider-kit.metrics.js';
import {
  environmentPrefix,
  readProviderSettings,
  type OAuth2Settings,
  type SettingsOf,
} from '../definition/provider-settings.js';
import type { OAuth2SandboxDefinition } from '../definition/sandbox-definition.js';
import { sandboxAssertionKey, sandboxSigningKey } from '../definition/sandbox-credentials.js';
import { Secret } from '../definition/secret.js';
import { createClient, type ClientOf } from '../client/create-client.js';
import { PublicJsonClient } from '../client/public-json-client.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import type { TokenResponse } from '../token-response.js';
import { IdTokenForge } from './id-token-forge.js';
import { describeNotifications } from './notification-contract.js';
import { createPlainProvider } from './plain-provider.js';
import { watchPassportClients } from './passport-clients.js';
import { describeSubscriptions } from './subscription-contract.js';
import { describeResponses, type ResponseBench } from './response-contract.js';

/** Builds the provider under test from settings that point at its fake. */
export type CreateProvider<Definition extends ProviderDefinition> = (
  settings: SettingsOf<Definition>,
  client: ClientOf<Definition>,
) => HealthProvider;

/**
 * Runs the contract of every provider: what the core relies on, shown against the provider's fake in the vendor
 * sandbox. The fake's expectations are written by hand from the provider's documentation, so a wrong fact in the
 * definition fails here.
 *
 * @param definition - the provider's facts
 * @param createProvider - wires its strategy and provider as its module does; for a provider with a class of its own
 */
export function describeProviderContract<Definition extends ProviderDefinition>(
  definition: Definition,
  createProvider: CreateProvider<Definition> = (settings, client) => createPlainProvider(definition, settings, client),
): void {
  const servers = Object.entries(definition.oauth === '2.0' ? (definition.servers ?? {}) : {});
  const others = servers.filter(([, facts]) => !isDefaultServer(facts)).map(([name]) => name);
  for (const server of [undefined, ...others]) {
    describeServerContract(definition, server, createProvider);
  }
}

/** The contract at one of the provider's servers, each with a fake of its own where its paths differ. */
function describeServerContract<Definition extends ProviderDefinition>(
  declared: Definition,
  server: string | undefined,
  createProvider: CreateProvider<Definition>,
): void {
  const definition = definitionInForce(declared, { server });
  const describeCases = (): void => {
    const bench = new ContractBench(definition, server, createProvider);
    const passport = watchPassportClients();
    beforeAll(() => passport.start());
    beforeAll(() => bench.start());
    beforeEach(() => bench.fake.behave());
    afterAll(() => bench.stop());
    afterAll(() => passport.stop());

    describeUse(definition);
    describeStart(definition, bench);
    describeCallback(bench);
    describeIssuer(definition, bench);
    describeIdToken(definition, bench);
    describeExchange(definition, bench);
    if (definition.oauth === '2.0' && definition.noRefreshToken !== true) {
      describeRefresh(definition, bench);
    } else {
      it('has nothing to refresh', async () => {
        const refresh = bench.provider().refresh(await bench.link());
        await expect(refresh).rejects.toMatchObject({ code: 'CONNECTION_NOT_REFRESHABLE' });
        expect(definition.oauth === '1.0a' || definition.refresh.rotates === 'never').toBe(true);
      });
    }
    describeRevocation(definition, bench);
    if (definition.notifications !== undefined) {
      const { subscriptions } = definition.notifications;
      describeNotifications(definition.notifications, bench);
      if (subscriptions !== undefined) {
        describeSubscriptions(definition.notifications, subscriptions, bench);
      }
    }
    if (definition.oauth === '2.0') {
      describeResponses(definition, bench.responses());
    }
    // The last one, because it speaks of all the others.
    it("sends nothing through the clients of Passport's strategies", () => {
      expect(passport.watched).toBeGreaterThan(30);
      expect(passport.calls).toEqual([]);
    });
  };
  describe(`contract of ${definition.slug}`, () => {
    if (server === undefined) {
      describeCases();
    } else {
      describe(`at the server ${server}`, describeCases);
    }
  });
}

/** The provider under test, its fake, and the steps of a link. */
class ContractBench<Definition extends ProviderDefinition = ProviderDefinition> {
  private sandbox: VendorSandbox | undefined;
  private readonly http = new ProviderHttpClient();
  private readonly remarks = new ResponseRemarks();
  private readonly oauthClient: ClientOf<Definition>;
  readonly client = new PublicJsonClient(this.http, new Clock());

  constructor(
    private readonly definition: Definition,
    private readonly server: string | undefined,
    private readonly createProvider: CreateProvider<Definition>,
  ) {
    this.oauthClient = createClient(definition, this.http, new Clock(), this.remarks);
  }

  async start(): Promise<void> {
    this.sandbox = await VendorSandbox.start({ providers: new Map([[this.definition.slug, this.definition.sandbox]]) });
  }

  async stop(): Promise<void> {
    await this.http.onApplicationShutdown();
    await this.sandbox?.stop();
  }

  get fake(): FakeProvider {
    if (this.sandbox === undefined) {
      throw new Error('The sandbox is not started.');
    }
    return this.sandbox.provider(this.definition.slug);
  }

  get settings(): SettingsOf<Definition> {
    const SANDBOX_URL = this.fake.url.slice(0, -this.definition.slug.length - 1);
    const prefix = environmentPrefix(this.definition.slug);
    return readProviderSettings(this.definition, { SANDBOX_URL, [`${prefix}_SERVER`]: this.server });
  }

  provider(change: Partial<SettingsOf<Definition>> = {}): HealthProvider {
    return this.createProvider({ ...this.settings, ...change }, this.oauthClient);
  }

  handshake(state = 'state-of-the-contract-not-random') {
    return { state, redirectUri: this.settings.redirectUri, scopes: this.definition.defaultScopes };
  }

  /** Starts a link and lets the user decide; returns what the callback brings. */
  async approve(
    options: ConsentOptions = {},
  ): Promise<{ callback: Record<string, string>; secrets: HandshakeSecrets }> {
    const { authorizeUrl, secrets } = await this.provider().begin(this.handshake());
    const location = await consent(authorizeUrl, options);
    return { callback: Object.fromEntries(location.searchParams), secrets };
  }

  async link(options: ConsentOptions = {}): Promise<TokenResponse> {
    const { callback, secrets } = await this.approve(options);
    const tokenResponse = await this.provider().complete(callback, this.handshake(), secrets);
    return this.provider().verify(tokenResponse, secrets);
  }

  /** As the core does after the callback: with the user's id, and with what the provider wants done once. */
  async linkKnowingUser(): Promise<TokenResponse> {
    const tokenResponse = await this.link();
    const known = tokenResponse.with({ providerUserId: await this.provider().findProviderUserId(tokenResponse) });
    await this.provider().prepareAccount(known);
    return known;
  }

  refresh(refreshToken: string | undefined): Promise<TokenResponse> {
    return this.provider().refresh({ accessToken: 'unused', refreshToken });
  }

  /** The provider under test as the tests of its responses see it. */
  responses(): ResponseBench {
    return {
      fake: () => this.fake,
      remarks: () => this.remarks.all,
      link: () => this.link(),
      refresh: (refreshToken) => this.refresh(refreshToken),
      revoke: async () => this.provider().revoke(await this.linkKnowingUser()),
      findAccount: async () => this.provider().findProviderUserId(await this.link()),
    };
  }

  calls(...kinds: string[]): number {
    return this.fake.history.filter(({ kind }) => kinds.includes(kind)).length;
  }
}

/** What the provider offers has to be used: a link that leaves it out works, and is worse. */
function describeUse(definition: ProviderDefinition): void {
  const { sandbox, account } = definition;
  it("uses what the provider tells of the user's id, of the granted scopes, of its API and of ending a grant", () => {
    expect(account.from === 'nowhere').toBe(sandbox.tellsNoUserId === true);
    expect(definition.revocation !== undefined || sandbox.revoke === undefined).toBe(true);
    expect(definition.dataApi?.tokenParameter).toBe(sandbox.oauth === '2.0' ? sandbox.apiTokenParameter : undefined);
    expect(definition.dataApi?.headers).toEqual(sandbox.apiHeaders);
    expect(account.from === 'api' ? account.headers : undefined).toEqual(sandbox.account?.headers);
    const { apiBaseUrl } = definition;
    expect(apiBaseUrl && new URL(apiBaseUrl).pathname.replace(/\/$/, '')).toBe(sandbox.apiBasePath);
    if (definition.oauth === '2.0' && sandbox.oauth === '2.0') {
      const told =
        sandbox.scopeInCallback === true
          ? 'callback'
          : sandbox.scopeInTokenResponse === true
            ? 'token-response'
            : 'nowhere';
      expect(definition.grantedScopesIn).toBe(told);
      expect(definition.issuers ?? []).toEqual((sandbox.issuers ?? []).filter((issuer) => !issuer.startsWith('{')));
      const keys = account.from === 'id-token' ? account.jwksUrl : undefined;
      expect(keys && new URL(keys).pathname).toBe(sandbox.idToken?.jwksPath);
      // Where the provider publishes no life of a code, the fake has one all the same.
      expect(definition.codeLifetimeSeconds ?? sandbox.codeLifetimeSeconds).toBe(sandbox.codeLifetimeSeconds);
    }
  });

  if (definition.oauth === '2.0' && sandbox.oauth === '2.0') {
    const { pkce } = sandbox;
    it('AR-06 sends PKCE wherever the provider takes it', () => {
      expect(definition.pkce).toBe(pkce === 'ignored' ? 'unsupported' : pkce);
    });
  }
}

function describeStart(definition: ProviderDefinition, bench: ContractBench): void {
  it('sends the browser to the provider with exactly the parameters it documents', async () => {
    const { authorizeUrl, secrets } = await bench.provider().begin(bench.handshake());
    const [address, parameters] = partsOf(authorizeUrl);
    const { sandbox } = definition;
    const route = sandbox.oauth === '2.0' && sandbox.authorizeRoute !== undefined ? `#${sandbox.authorizeRoute}` : '';
    expect(address).toBe(bench.fake.url + sandbox.authorizePath + route);
    expect(Object.fromEntries(parameters)).toEqual(
      definition.oauth === '2.0'
        ? expectedOAuth2Parameters(definition, bench)
        : { oauth_token: secrets.temporaryToken },
    );
    const shown = [secrets.temporaryToken, secrets.nonce];
    const kept = Object.values(secrets as Record<string, string>).filter((value) => !shown.includes(value));
    expect(kept.filter((secret) => authorizeUrl.includes(secret))).toEqual([]);
  });

  const { sandbox } = definition;
  if (sandbox.oauth === '2.0' && sandbox.scopes.length > 0) {
    it('asks for several scopes in the way the provider reads them', async () => {
      const scopes = [...sandbox.scopes, 'another-scope'].slice(0, 2);
      const { authorizeUrl } = await bench.provider().begin({ ...bench.handshake(), scopes });
      const asked = partsOf(authorizeUrl)[1].get(sandbox.scopeParameter ?? 'scope');
      expect(asked).toBe(scopes.join(sandbox.scopeSeparator));
    });
  }

  it('starts every link afresh', async () => {
    const first = await bench.provider().begin(bench.handshake());
    const second = await bench.provider().begin(bench.handshake());
    expect(new Set(Object.values(first.secrets).concat(Object.values(second.secrets))).size).toBe(
      Object.keys(first.secrets).length * 2,
    );
  });

  if (definition.oauth === '1.0a') {
    it('O1-04 does not start when the provider does not confirm the callback', async () => {
      for (const value of ['omit', 'false'] as const) {
        bench.fake.misbehave({ endpoint: 'request_token', type: 'callbackNotConfirmed', value });
        await expect(bench.provider().begin(bench.handshake())).rejects.toMatchObject({
          code: 'TOKEN_RESPONSE_INVALID',
        });
      }
    });

    it('blames the operator when the provider refuses our signature', async () => {
      const provider = bench.provider({ clientSecret: new Secret('not-the-secret') });
      await expect(provider.begin(bench.handshake())).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    });

    describeFailures(bench, 'request_token', () => bench.provider().begin(bench.handshake()));
  }
}

/** The address, with the route of a web app, and the parameters behind it. */
function partsOf(authorizeUrl: string): [address: string, parameters: URLSearchParams] {
  const [address = '', query] = authorizeUrl.split('?');
  return [address, new URLSearchParams(query)];
}

function expectedOAuth2Parameters(definition: OAuth2Definition, bench: ContractBench): object {
  const { defaultScopes, scopeSeparator, pkce, scopeParameter = 'scope', nonce } = definition;
  return {
    response_type: 'code',
    client_id: bench.settings.clientId,
    redirect_uri: bench.settings.redirectUri,
    state: bench.handshake().state,
    ...(defaultScopes.length === 0 ? {} : { [scopeParameter]: defaultScopes.join(scopeSeparator) }),
    ...(nonce === true ? { nonce: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as unknown } : {}),
    ...(pkce === 'unsupported'
      ? {}
      : { code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as unknown, code_challenge_method: 'S256' }),
    ...definition.extraAuthorizeParams,
  };
}

function describeCallback(bench: ContractBench): void {
  it('reports that the user said no, and asks the provider for nothing', async () => {
    const { callback, secrets } = await bench.approve({ decision: 'deny' });
    const before = bench.calls('token', 'access_token');
    await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'AUTHORIZATION_DENIED',
    });
    expect(bench.calls('token', 'access_token')).toBe(before);
  });

  it("refuses another link's callback, and asks the provider for nothing", async () => {
    const { callback } = await bench.approve();
    const other = await bench.provider().begin(bench.handshake('state-of-another-link'));
    const before = bench.calls('token', 'access_token');
    const completion = bench.provider().complete(callback, bench.handshake('state-of-another-link'), other.secrets);
    await expect(completion).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
    expect(bench.calls('token', 'access_token')).toBe(before);
  });

  it('refuses a callback that brings nothing to redeem', async () => {
    const { callback, secrets } = await bench.approve();
    const { state } = callback;
    await expect(
      bench.provider().complete(state === undefined ? {} : { state }, bench.handshake(), secrets),
    ).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });
}

/** RFC 9207: a callback that names its issuer is the named one's. */
function describeIssuer(definition: ProviderDefinition, bench: ContractBench): void {
  const { sandbox, slug } = definition;
  if (sandbox.oauth === '1.0a') {
    return;
  }
  const complete = async (iss: string): Promise<TokenResponse> => {
    const { callback, secrets } = await bench.approve();
    return bench.provider().complete({ ...callback, iss }, bench.handshake(), secrets);
  };
  if (sandbox.issuers === undefined) {
    it('counts a callback whose issuer it cannot check (AR-08)', async () => {
      const read = async (): Promise<number> =>
        (await uncheckedIssuers.get()).values.find(({ labels }) => labels.provider === slug)?.value ?? 0;
      const before = await read();
      await complete('https://issuer.example');
      expect(await read()).toBe(before + 1);
    });
    return;
  }

  it('takes a callback that names an issuer of the provider (AR-08)', async () => {
    for (const issuer of sandbox.issuers ?? []) {
      const tokenResponse = await complete(issuer.replace('{baseUrl}', bench.fake.url));
      expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
    }
  });

  it('refuses a callback that names another issuer, and asks the provider for nothing (AR-08)', async () => {
    const before = bench.calls('token');
    const own = sandbox.issuers?.[0]?.replace('{baseUrl}', bench.fake.url) ?? '';
    for (const issuer of ['https://evil.example', `${own}/`, own.toUpperCase(), '']) {
      await expect(complete(issuer)).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
    }
    expect(bench.calls('token')).toBe(before);
  });
}

/** OpenID Connect Core 1.0 section 3.1.3.7, as far as the provider publishes what it takes. */
function describeIdToken({ account, sandbox }: ProviderDefinition, bench: ContractBench): void {
  if (account.from !== 'id-token' || sandbox.oauth === '1.0a') {
    return;
  }
  const { idToken, issuers = [] } = sandbox;
  const link = (claims: Record<string, string | number | null>): Promise<TokenResponse> => {
    bench.fake.misbehave({ endpoint: 'token', type: 'idToken', claims });
    return bench.link({ account: '4711' });
  };
  const accepted = { providerUserId: '4711' };
  const refused = { code: 'TOKEN_RESPONSE_INVALID' };

  it('refuses an ID token for another client, one that has ended, and one without a user (AR-18)', async () => {
    for (const claims of [{ aud: 'another-client' }, { exp: 1 }, { [account.claim ?? 'sub']: null }]) {
      await expect(link(claims)).rejects.toMatchObject(refused);
    }
  });

  if (issuers.length > 0) {
    it('takes an ID token of each issuer of the provider, and of no other (AR-18)', async () => {
      for (const iss of issuers) {
        expect(await link({ iss })).toMatchObject(accepted);
      }
      for (const iss of ['https://evil.example', `${issuers[0]}/`, null]) {
        await expect(link({ iss })).rejects.toMatchObject(refused);
      }
    });
  }

  if (idToken?.jwksPath !== undefined) {
    it.each(['RS256', 'PS256', 'ES256', 'HS256'])(
      'takes an ID token that a published key has signed with %s only if the provider documents that (AR-18)',
      async (algorithm) => {
        const { callback, secrets } = await bench.approve({ account: '4711' });
        const tokenResponse = await bench.provider().complete(callback, bench.handshake(), secrets);
        const forge = await IdTokenForge.start(algorithm);
        try {
          const endpoints = { ...bench.settings.endpoints, jwksUrl: forge.jwksUrl } as OAuth2Endpoints;
          const provider = bench.provider({ endpoints });
          const resigned = tokenResponse.with({ idToken: await forge.resign(tokenResponse.idToken ?? '') });
          const isTaken = algorithm !== 'HS256' && (idToken.documentedAlgorithms ?? [algorithm]).includes(algorithm);
          const verified = provider.verify(resigned, secrets);
          await (isTaken
            ? expect(verified).resolves.toMatchObject(accepted)
            : expect(verified).rejects.toMatchObject(refused));
          // The key is not the provider's.
          await expect(bench.provider().verify(resigned, secrets)).rejects.toMatchObject(refused);
        } finally {
          await forge.stop();
        }
      },
    );

    it('refuses an ID token without a signature (AR-18)', async () => {
      const { callback, secrets } = await bench.approve();
      const tokenResponse = await bench.provider().complete(callback, bench.handshake(), secrets);
      const unsigned = new UnsecuredJWT(decodeJwt(tokenResponse.idToken ?? '')).encode();
      await expect(bench.provider().verify(tokenResponse.with({ idToken: unsigned }), secrets)).rejects.toMatchObject(
        refused,
      );
    });
  }
}

function describeExchange(definition: ProviderDefinition, bench: ContractBench): void {
  const exchange = definition.oauth === '2.0' ? 'token' : 'access_token';

  it("redeems the callback for tokens that work, and learns the user's id", async () => {
    const tokenResponse = await bench.link({ account: '4711' });
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
    const knownId = definition.account.from === 'nowhere' ? undefined : '4711';
    expect(await bench.provider().findProviderUserId(tokenResponse)).toBe(knownId);
    if (definition.oauth === '2.0') {
      const life = definition.neverExpires === true ? undefined : bench.fake.accessTokenLifetimeSeconds;
      expect(tokenResponse.expiresInSeconds).toBe(life);
      expect(tokenResponse.refreshToken !== undefined).toBe(definition.noRefreshToken !== true);
      expect(tokenResponse.refreshExpiresInSeconds !== undefined).toBe(definition.refreshExpiresInField !== undefined);
      if (definition.sandbox.oauth === '2.0' && sendsPlainResponse(definition.sandbox)) {
        expect(tokenResponse.refreshExpiresInSeconds).toBe(definition.sandbox.refreshTokenLifetimeSeconds);
      }
    } else {
      expect(tokenResponse).toMatchObject({ refreshToken: undefined, expiresInSeconds: undefined });
      expect(tokenResponse.tokenSecret).toEqual(expect.any(String));
    }
  });

  it('does not redeem the same callback twice', async () => {
    const { callback, secrets } = await bench.approve();
    await bench.provider().complete(callback, bench.handshake(), secrets);
    await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'AUTHORIZATION_CODE_REFUSED',
    });
  });

  describeFailures(bench, exchange, () => bench.link());

  if (definition.oauth === '1.0a') {
    return;
  }

  it('authenticates the client as the provider wants it, and in no other way', async () => {
    await bench.link();
    const scheme = bench.fake.history.filter(({ kind }) => kind === 'token').at(-1)?.authorizationScheme;
    expect(scheme).toBe(definition.clientAuthentication === 'basic' ? 'basic' : undefined);
  });

  it('blames the operator when the provider refuses our credentials', async () => {
    const { callback, secrets } = await bench.approve();
    const provider = bench.provider(wrongCredentials(definition));
    await expect(provider.complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
    });
  });

  it('uses the documented life of a token when the response tells none', async () => {
    bench.fake.misbehave({ endpoint: 'token', type: 'omitExpiresIn' });
    expect((await bench.link()).expiresInSeconds).toBe(definition.accessTokenLifetimeSeconds);
  });

  if (definition.pkce !== 'unsupported') {
    it('AR-06 proves possession of the verifier: with another one the provider refuses the code', async () => {
      const { callback } = await bench.approve();
      const secrets = { codeVerifier: 'v'.repeat(43) };
      await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
        code: 'AUTHORIZATION_CODE_REFUSED',
      });
    });
  }

  it('tells the scopes that were granted, where the provider tells them', async () => {
    const [first] = definition.defaultScopes;
    if (first === undefined || definition.grantedScopesIn === 'nowhere') {
      expect((await bench.link()).grantedScopes).toBeUndefined();
      return;
    }
    bench.fake.restrictScopes([first]);
    try {
      expect((await bench.link()).grantedScopes).toEqual([first]);
    } finally {
      bench.fake.restrictScopes(undefined);
    }
  });
}

/** Whether the life of a refresh token is sent under the name that the sandbox gives it. */
function sendsPlainResponse({ tokenResponse, tokenResponseExtras }: OAuth2SandboxDefinition): boolean {
  return tokenResponse === undefined && !('refresh_expires_in' in (tokenResponseExtras?.('1') ?? {}));
}

function describeRefresh(definition: OAuth2Definition, bench: ContractBench): void {
  const refresh = async (): Promise<TokenResponse> => {
    const { refreshToken } = await bench.link();
    return bench.refresh(refreshToken);
  };

  if (definition.refreshExtendsToken === true) {
    it('extends the access token in use instead of replacing it', async () => {
      const before = await bench.link();
      const after = await bench.provider().refresh(before);
      expect(definition.refresh.rotates).toBe('never');
      expect(after).toMatchObject({ accessToken: before.accessToken, refreshToken: undefined });
      expect(after.expiresInSeconds).toBe(definition.accessTokenLifetimeSeconds);
      expect(bench.fake.isLiveAccessToken(after.accessToken)).toBe(true);
    });

    describeRefusals(bench, definition);
    describeFailures(bench, 'refresh', refresh);
    return;
  }

  it('refreshes, with rotation and the fate of the old access token as declared', async () => {
    const before = await bench.link();
    const after = await bench.provider().refresh(before);
    expect(bench.fake.isLiveAccessToken(after.accessToken)).toBe(true);
    expect(after.refreshToken !== undefined && after.refreshToken !== before.refreshToken).toBe(
      definition.refresh.rotates !== 'never',
    );
    // Where the provider does not say, the definition assumes that the old token dies and the fake lets it live.
    const oldTokenLives = bench.fake.isLiveAccessToken(before.accessToken);
    expect(oldTokenLives || definition.refresh.oldAccessTokenDiesOnRefresh).toBe(true);
  });

  it('keeps refreshing over many rounds', async () => {
    let tokenResponse = await bench.link();
    for (let round = 0; round < 5; round += 1) {
      const refreshed = await bench.provider().refresh(tokenResponse);
      tokenResponse = refreshed.with({ refreshToken: refreshed.refreshToken ?? tokenResponse.refreshToken });
    }
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
  });

  it('reports a response without a refresh token as keeping the old one', async () => {
    const { refreshToken } = await bench.link();
    for (const type of ['omitRefreshToken', 'emptyRefreshToken'] as const) {
      bench.fake.misbehave({ endpoint: 'refresh', type });
      expect((await bench.refresh(refreshToken)).refreshToken).toBeUndefined();
    }
    expect(bench.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
  });

  describeRefusals(bench, definition);
  describeFailures(bench, 'refresh', refresh);
}

/** A provider that says no to a refresh: to the token, to us, with words that must not be repeated. */
function describeRefusals(bench: ContractBench, definition: OAuth2Definition): void {
  it('reports a refresh token that the provider does not know as evidence of a dead grant', async () => {
    await expect(bench.refresh('not-a-refresh-token')).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
  });

  it('blames the operator, not the grant, when the provider refuses our credentials', async () => {
    const { refreshToken } = await bench.link();
    const provider = bench.provider(wrongCredentials(definition));
    await expect(provider.refresh({ accessToken: 'unused', refreshToken })).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
    });
    expect(bench.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
  });

  it("does not take the provider's other errors, in its own words, for evidence against the grant", async () => {
    const { refreshToken } = await bench.link();
    bench.fake.misbehave({ endpoint: 'refresh', type: 'error', error: 'invalid_client', status: 400 });
    const error: unknown = await bench.refresh(refreshToken).catch((reason: unknown) => reason);
    expect(error).toHaveProperty('code');
    expect(error).not.toHaveProperty('code', 'TOKEN_REVOKED');
  });

  it('LOG-03 quotes no token, even when the provider does', async () => {
    const { refreshToken } = await bench.link();
    bench.fake.misbehave({ endpoint: 'refresh', type: 'echoSecret', error: 'invalid_grant', status: 400 });
    const error: unknown = await bench.refresh(refreshToken).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(refreshToken);
  });
}

/** Credentials that the provider does not know, well-formed. */
function wrongCredentials(definition: OAuth2Definition): Partial<OAuth2Settings> {
  switch (definition.clientAuthentication) {
    case 'none':
      return { clientId: 'not-a-client' };
    case 'es256-jwt':
      return { clientSecret: new Secret(sandboxSigningKey('another-provider').privateKeyPem) };
    case 'private_key_jwt':
      return { clientSecret: new Secret(sandboxAssertionKey('another-provider').privateKeyPem) };
    case 'basic':
    case 'body':
      return { clientSecret: new Secret('not-the-secret') };
  }
}

function describeRevocation(definition: ProviderDefinition, bench: ContractBench): void {
  if (definition.revocation === undefined) {
    it('says that the provider offers no way to end a grant', async () => {
      expect(await bench.provider().revoke(await bench.link())).toBe('unsupported');
    });
    return;
  }

  it('ends the grant at the provider', async () => {
    const tokenResponse = await bench.linkKnowingUser();
    expect(await bench.provider().revoke(tokenResponse)).toBe('revoked');
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(false);
  });

  it('tells when the provider did not end the grant', async () => {
    const tokenResponse = await bench.linkKnowingUser();
    const endpoint = definition.revocation?.proof === 'custom' ? 'endpoint' : 'revoke';
    bench.fake.misbehave({ endpoint, type: 'status', code: 503 });
    await expect(bench.provider().revoke(tokenResponse)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
  });
}

/** The ways in which a provider fails, the same for every endpoint that gives tokens. */
function describeFailures(
  bench: ContractBench,
  endpoint: Misbehaviour['endpoint'],
  call: () => Promise<unknown>,
): void {
  const failures: readonly [string, object, object][] = [
    ['is down', { type: 'status', code: 503 }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['closes the connection', { type: 'drop' }, { code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' }],
    [
      'limits the rate',
      { type: 'status', code: 429, headers: { 'retry-after': '17' } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 17 },
    ],
    [
      'redirects',
      { type: 'redirect', status: 307, location: 'http://127.0.0.1:9/elsewhere' },
      { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' },
    ],
    ['sends more than it should', { type: 'hugeBody', bytes: 1_100_000 }, { code: 'PROVIDER_UNAVAILABLE' }],
    ['sends a bomb', { type: 'gzipBomb', bytes: 5_000_000 }, { code: 'PROVIDER_UNAVAILABLE' }],
  ];
  it.each(failures)(`tells when the provider %s (${endpoint})`, async (_name, misbehaviour, expected) => {
    bench.fake.misbehave({ endpoint, ...misbehaviour } as Misbehaviour);
    await expect(call()).rejects.toMatchObject(expected);
  });
}
