import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { oauth1Nonce, signOAuth1Request } from '../../src/provider-kit/oauth1/oauth1-signature.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { callbackHeaders, linkAccount, pathOf, startLink } from '../support/linking.js';
import { damageSealedTokens, rowsOf } from '../support/rows.js';
import { request } from '../../src/sandbox/testing/request.js';
import {
  type BearerBody,
  type ConnectionBody,
  getConnection,
  getToken,
  type OAuth1Body,
} from '../support/connection-bodies.js';

const whoopScopes = [
  'offline',
  'read:recovery',
  'read:cycles',
  'read:sleep',
  'read:workout',
  'read:profile',
  'read:body_measurement',
];
const ouraScopes = [
  'personal',
  'daily',
  'heartrate',
  'workout',
  'tag',
  'session',
  'spo2',
  'stress',
  'heart_health',
].map((name) => `extapi:${name}`);

function bodyOf({ body }: { body: unknown }): unknown {
  return body;
}

describe('linking', () => {
  let application: TestApplication;
  let users = 0;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => {
    for (const slug of ['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1']) {
      application.sandbox.provider(slug).behave();
    }
  });
  afterAll(() => application.close());

  /** Every test has a user of its own. */
  function newUser(): string {
    users += 1;
    return `user-${users}`;
  }

  /** Calls the provider's API as the company's own service would. */
  async function callProvider(slug: string, authorization: string): Promise<{ status: number; body: unknown }> {
    const fake = application.sandbox.provider(slug);
    const response = await request(fake.url + fake.definition.apiPath, { headers: { authorization } });
    const text = await response.body.text();
    return { status: response.statusCode, body: response.statusCode === 200 ? (JSON.parse(text) as unknown) : text };
  }

  function signFor(slug: string, { token, token_secret: tokenSecret }: OAuth1Body): string {
    const fake = application.sandbox.provider(slug);
    return signOAuth1Request({
      method: 'GET',
      url: fake.url + fake.definition.apiPath,
      clientId: sandboxClientId(slug),
      clientSecret: sandboxClientSecret(slug),
      token,
      tokenSecret,
      signatureMethod: 'HMAC-SHA1',
      timestampSeconds: Math.floor(application.clock.now().getTime() / 1_000),
      nonce: oauth1Nonce(),
    });
  }

  describe('OAuth 2.0', () => {
    it('repeats the scopes of the link, not others, where the provider wants them at the exchange and at a refresh', async () => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, 'concept2', { scopes: ['results:read'] });
      await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
      await application.api.post(`/v1/users/${user}/connections/concept2/refresh`).expect(200);
    });

    it.each([
      { slug: 'whoop', lifetimeSeconds: 3_600, scopes: whoopScopes },
      { slug: 'garmin', lifetimeSeconds: 86_400, scopes: [] },
      { slug: 'fitbit', lifetimeSeconds: 28_800, scopes: undefined },
      { slug: 'oura', lifetimeSeconds: 86_400, scopes: ouraScopes },
    ])(
      'links $slug, issues a token that works there, refreshes it when it has expired, and unlinks',
      async ({ slug, lifetimeSeconds, scopes }) => {
        const user = newUser();
        const fake = application.sandbox.provider(slug);
        const startedAt = application.clock.now().getTime();

        const { linkWebUrl } = await startLink(application, user, slug);
        expect(linkWebUrl.startsWith(fake.url + fake.definition.authorizePath)).toBe(true);
        const callback = await consent(linkWebUrl, { account: '4711' });
        expect(callback.pathname).toBe(`/v1/oauth/${slug}/callback`);
        const finished = await application.browser.get(pathOf(callback)).expect(200);
        const connection = await getConnection(application, user, slug);

        expect(finished.body).toEqual({
          success: true,
          message: expect.any(String),
          provider: slug,
          connection_id: connection.connection_id,
        });
        expect(finished.headers).toMatchObject(callbackHeaders);
        expect(connection).toMatchObject({
          user_id: user,
          provider: slug,
          status: 'active',
          needs_relink: false,
          scopes_missing: [],
          last_refreshed_at: null,
          last_error: null,
        });
        if (scopes !== undefined) {
          expect(connection.scopes_granted).toEqual(scopes);
        }
        const lifeMs = new Date(String(connection.expires_at)).getTime() - startedAt;
        expect(Math.abs(lifeMs - lifetimeSeconds * 1_000)).toBeLessThan(30_000);

        const first = await getToken<BearerBody>(application, user, slug);
        expect(first).toEqual({
          token_type: 'bearer',
          access_token: expect.any(String),
          expires_at: connection.expires_at,
          scopes: connection.scopes_granted,
          api: { base_url: expect.stringMatching(`^${application.sandbox.provider(slug).url}`) },
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        });
        expect(await callProvider(slug, `Bearer ${first.access_token}`)).toMatchObject({
          status: 200,
          body: { ok: true, account_id: '4711' },
        });

        application.clock.advance(lifetimeSeconds * 1_000 + 1_000);
        expect(await callProvider(slug, `Bearer ${first.access_token}`)).toMatchObject({ status: 401 });
        const second = await getToken<BearerBody>(application, user, slug);
        expect(second.access_token).not.toBe(first.access_token);
        expect(await callProvider(slug, `Bearer ${second.access_token}`)).toMatchObject({ status: 200 });
        expect((await getConnection(application, user, slug)).last_refreshed_at).not.toBeNull();

        const unlinked = await application.api.delete(`/v1/users/${user}/connections/${slug}`).expect(200);
        expect(unlinked.body).toEqual({ disconnected: true, provider_revocation: 'revoked' });
        expect(await callProvider(slug, `Bearer ${second.access_token}`)).toMatchObject({ status: 401 });
        const gone = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
        expect(gone.body).toMatchObject({ code: 'CONNECTION_NOT_FOUND' });
        await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(404);
        await application.api.delete(`/v1/users/${user}/connections/${slug}`).expect(404);
      },
    );
  });

  describe('OAuth 1.0a', () => {
    it.each([
      { slug: 'garmin-oauth1', revocation: 'revoked', statusAfterwards: 401 },
      { slug: 'fitbit-oauth1', revocation: 'unsupported', statusAfterwards: 200 },
    ])(
      'links $slug, issues a token that signs requests there, and unlinks ($revocation at the provider)',
      async ({ slug, revocation, statusAfterwards }) => {
        const user = newUser();
        const fake = application.sandbox.provider(slug);

        const { linkWebUrl, state } = await startLink(application, user, slug);
        expect(linkWebUrl).not.toContain(state);
        const callback = await consent(linkWebUrl, { account: '4711' });
        expect(callback.searchParams.get('state')).toBe(state);
        const finished = await application.browser.get(pathOf(callback)).expect(200);
        const connection = await getConnection(application, user, slug);

        expect(finished.body).toMatchObject({ success: true, connection_id: connection.connection_id });
        expect(finished.headers).toMatchObject(callbackHeaders);
        expect(connection).toMatchObject({
          status: 'active',
          expires_at: null,
          scopes_granted: [],
          scopes_missing: [],
        });

        const token = await getToken<OAuth1Body>(application, user, slug);
        expect(token).toEqual({
          token_type: 'oauth1',
          token: expect.any(String),
          token_secret: expect.any(String),
          expires_at: null,
          scopes: [],
          api: { base_url: expect.stringMatching(`^${application.sandbox.provider(slug).url}`) },
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        });
        expect(await callProvider(slug, signFor(slug, token))).toMatchObject({
          status: 200,
          body: { ok: true, account_id: '4711' },
        });
        const wrong = signFor(slug, { ...token, token_secret: 'wrong' });
        expect(await callProvider(slug, wrong)).toMatchObject({ status: 401 });

        const unlinked = await application.api.delete(`/v1/users/${user}/connections/${slug}`).expect(200);
        expect(unlinked.body).toEqual({ disconnected: true, provider_revocation: revocation });
        expect(fake.isLiveAccessToken(token.token)).toBe(statusAfterwards === 200);
        expect(await callProvider(slug, signFor(slug, token))).toMatchObject({ status: statusAfterwards });
        await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
        await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(404);
      },
    );

    it('returns the token secret only to a key with the scope tokens:sign (O1-07)', async () => {
      const user = newUser();
      await linkAccount(application, user, 'garmin-oauth1');
      const path = `/v1/users/${user}/connections/garmin-oauth1/token`;
      const { token_secret: secret } = await getToken<OAuth1Body>(application, user, 'garmin-oauth1');
      const reader = await application.createKey('tokens:read');
      const signer = await application.createKey('tokens:read', 'tokens:sign');

      const read = await application.browser.get(path).set('authorization', `Bearer ${reader}`).expect(200);
      const signed = await application.browser.get(path).set('authorization', `Bearer ${signer}`).expect(200);

      expect(Object.keys(read.body as object).sort()).toEqual([
        'api',
        'expires_at',
        'fingerprint',
        'scopes',
        'token',
        'token_type',
      ]);
      expect(read.text).not.toContain(secret);
      expect((signed.body as OAuth1Body).token_secret).toBe(secret);
    });
  });

  describe('linking again', () => {
    it.each(['whoop', 'garmin', 'oura'])('replaces the tokens of %s and keeps the connection', async (slug) => {
      const user = newUser();
      const firstId = await linkAccount(application, user, slug, { account: '2002' });
      const first = await getToken<BearerBody>(application, user, slug);
      const secondId = await linkAccount(application, user, slug, { account: '2002' });
      const second = await getToken<BearerBody>(application, user, slug);

      expect(secondId).toBe(firstId);
      expect(second.access_token).not.toBe(first.access_token);
      expect(await callProvider(slug, `Bearer ${second.access_token}`)).toMatchObject({ body: { account_id: '2002' } });
      const list = await application.api.get(`/v1/users/${user}/connections`).expect(200);
      expect((list.body as { connections: ConnectionBody[] }).connections).toEqual([
        await getConnection(application, user, slug),
      ]);
    });

    it('replaces the token and secret of an OAuth 1.0a connection and keeps the connection', async () => {
      const user = newUser();
      const firstId = await linkAccount(application, user, 'fitbit-oauth1');
      const first = await getToken<OAuth1Body>(application, user, 'fitbit-oauth1');
      const secondId = await linkAccount(application, user, 'fitbit-oauth1');
      const second = await getToken<OAuth1Body>(application, user, 'fitbit-oauth1');

      expect(secondId).toBe(firstId);
      expect(second.token).not.toBe(first.token);
      expect(second.token_secret).not.toBe(first.token_secret);
      expect(await callProvider('fitbit-oauth1', signFor('fitbit-oauth1', second))).toMatchObject({ status: 200 });
    });

    it('leaves the connection as it is when the user denies consent the second time', async () => {
      const user = newUser();
      await linkAccount(application, user, 'whoop');
      const before = [
        await getConnection(application, user, 'whoop'),
        await getToken<BearerBody>(application, user, 'whoop'),
      ];
      const { linkWebUrl } = await startLink(application, user, 'whoop');
      await application.browser.get(pathOf(await consent(linkWebUrl, { decision: 'deny' }))).expect(403);

      expect([
        await getConnection(application, user, 'whoop'),
        await getToken<BearerBody>(application, user, 'whoop'),
      ]).toEqual(before);
    });

    it('keeps the connections of one user to several providers, and of several users to one, apart', async () => {
      const [anna, ben] = [newUser(), newUser()];
      await linkAccount(application, anna, 'whoop', { account: '11' });
      await linkAccount(application, anna, 'fitbit-oauth1', { account: '12' });
      await linkAccount(application, ben, 'whoop', { account: '21' });
      const listOf = async (user: string) => {
        const body = bodyOf(await application.api.get(`/v1/users/${user}/connections`).expect(200));
        return (body as { connections: ConnectionBody[] }).connections.map(({ provider }) => provider);
      };

      expect(await listOf(anna)).toEqual(['fitbit-oauth1', 'whoop']);
      expect(await listOf(ben)).toEqual(['whoop']);
      await application.api.delete(`/v1/users/${anna}/connections/whoop`).expect(200);
      expect(await listOf(anna)).toEqual(['fitbit-oauth1']);
      const { access_token: token } = await getToken<BearerBody>(application, ben, 'whoop');
      expect(await callProvider('whoop', `Bearer ${token}`)).toMatchObject({ body: { account_id: '21' } });
    });
  });

  describe('unlinking', () => {
    const failures: [string, Misbehaviour][] = [
      ['drops the connection', { endpoint: 'revoke', type: 'drop' }],
      ['responds with 500', { endpoint: 'revoke', type: 'status', code: 500 }],
      ['responds with 503', { endpoint: 'revoke', type: 'status', code: 503 }],
      ['responds with 429', { endpoint: 'revoke', type: 'status', code: 429, headers: { 'Retry-After': '60' } }],
      ['refuses the token', { endpoint: 'revoke', type: 'error', error: 'invalid_token', status: 401 }],
      ['refuses our client', { endpoint: 'revoke', type: 'error', error: 'invalid_client', status: 401 }],
      ['redirects elsewhere', { endpoint: 'revoke', type: 'redirect', status: 307, location: 'http://127.0.0.1:9/' }],
    ];

    it.each(failures)(
      'erases the connection here and says pending when the provider %s (TE-10)',
      async (_title, behaviour) => {
        for (const slug of ['whoop', 'fitbit', 'garmin-oauth1']) {
          const user = newUser();
          const id = await linkAccount(application, user, slug);
          const fake = application.sandbox.provider(slug);
          fake.misbehave(behaviour);
          const calls = fake.history.filter(({ kind }) => kind === 'revoke').length;

          const body = bodyOf(await application.api.delete(`/v1/users/${user}/connections/${slug}`).expect(200));

          expect(body).toEqual({ disconnected: true, provider_revocation: 'pending' });
          expect(fake.history.filter(({ kind }) => kind === 'revoke')).toHaveLength(calls + 1);
          await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(404);
          expect(await rowsOf(application.databaseUrl, 'connections', { id })).toEqual([]);
        }
      },
    );

    it('says failed when the stored tokens cannot be read, and erases them all the same', async () => {
      const user = newUser();
      await linkAccount(application, user, 'whoop');
      await damageSealedTokens(application.databaseUrl, user);

      const body = bodyOf(await application.api.delete(`/v1/users/${user}/connections/whoop`).expect(200));

      expect(body).toEqual({ disconnected: true, provider_revocation: 'failed' });
      await application.api.get(`/v1/users/${user}/connections/whoop`).expect(404);
    });

    it('ends the grant also when the access token has expired, where only a working one can', async () => {
      const user = newUser();
      await linkAccount(application, user, 'whoop', { account: '31337' });
      application.clock.advance(3_601_000);

      const body = bodyOf(await application.api.delete(`/v1/users/${user}/connections/whoop`).expect(200));

      expect(body).toEqual({ disconnected: true, provider_revocation: 'revoked' });
      const grants = application.sandbox.provider('whoop').liveGrants();
      expect(grants.filter(({ accountId }) => accountId === '31337')).toEqual([]);
    });
  });

  it('lists every provider with the facts that a caller needs', async () => {
    const key = await application.createKey();
    const body = bodyOf(
      await application.browser.get('/v1/providers').set('authorization', `Bearer ${key}`).expect(200),
    );
    const { providers } = body as { providers: { slug: string }[] };

    expect(Object.keys(body as object)).toEqual(['providers']);
    const slugs = providers.map(({ slug }) => slug);
    expect(slugs).toEqual([...new Set(slugs)].sort());
    expect(slugs).toEqual(
      expect.arrayContaining(['fitbit', 'fitbit-oauth1', 'garmin', 'garmin-oauth1', 'oura', 'whoop']),
    );
    // Nobody is connected, so there is no share. When connections were counted last depends on the moment.
    const health = expect.objectContaining({
      circuit_breaker: 'closed',
      retry_at: null,
      failing_share: null,
    }) as unknown;
    expect(providers.find(({ slug }) => slug === 'whoop')).toEqual({
      slug: 'whoop',
      name: 'WHOOP',
      oauth_version: '2.0',
      configured: true,
      sandbox: true,
      lifecycle: 'live',
      sunset_at: null,
      replaced_by: null,
      default_scopes: whoopScopes,
      health,
    });
    expect(providers.find(({ slug }) => slug === 'garmin-oauth1')).toEqual({
      slug: 'garmin-oauth1',
      name: 'Garmin Connect (OAuth 1.0a)',
      oauth_version: '1.0a',
      configured: true,
      sandbox: true,
      // Until that day, and after it.
      lifecycle: expect.stringMatching(/^retir(ing|ed)$/),
      sunset_at: '2026-12-31',
      replaced_by: 'garmin',
      default_scopes: [],
      health,
    });
  });
});
