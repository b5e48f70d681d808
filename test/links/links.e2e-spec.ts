import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { oauth1Nonce, signOAuth1Request } from '../../src/provider-kit/oauth1/oauth1-signature.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { damageSealedTokens } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

interface ConnectionBody {
  connection_id: string;
  user_id: string;
  provider: string;
  status: string;
  needs_relink: boolean;
  scopes_granted: string[];
  scopes_missing: string[];
  scopes_unrequested: string[];
  expires_at: string | null;
  refresh_expires_at: string | null;
  linked_at: string;
  last_refreshed_at: string | null;
  last_error: unknown;
}

interface BearerBody {
  token_type: string;
  access_token: string;
  expires_at: string;
  scopes: string[];
}

interface OAuth1Body {
  token_type: string;
  token: string;
  token_secret: string;
  expires_at: null;
  scopes: string[];
}

const callbackHeaders = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};
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
    application = await startApplication({
      environment: {
        RETURN_URLS: 'https://app.example.com/devices,https://app.example.com/done?tab=health&status=old',
      },
    });
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

  async function getConnection(user: string, slug: string): Promise<ConnectionBody> {
    const response = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
    return response.body as ConnectionBody;
  }

  async function getToken<Body extends BearerBody | OAuth1Body>(user: string, slug: string): Promise<Body> {
    const response = await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    expect(response.headers['cache-control']).toBe('no-store');
    return response.body as Body;
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
        const connection = await getConnection(user, slug);

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

        const first = await getToken<BearerBody>(user, slug);
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
        const second = await getToken<BearerBody>(user, slug);
        expect(second.access_token).not.toBe(first.access_token);
        expect(await callProvider(slug, `Bearer ${second.access_token}`)).toMatchObject({ status: 200 });
        expect((await getConnection(user, slug)).last_refreshed_at).not.toBeNull();

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
        const connection = await getConnection(user, slug);

        expect(finished.body).toMatchObject({ success: true, connection_id: connection.connection_id });
        expect(finished.headers).toMatchObject(callbackHeaders);
        expect(connection).toMatchObject({
          status: 'active',
          expires_at: null,
          scopes_granted: [],
          scopes_missing: [],
        });

        const token = await getToken<OAuth1Body>(user, slug);
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

    it('O1-07 returns the token secret only to a key with the scope tokens:sign', async () => {
      const user = newUser();
      await linkAccount(application, user, 'garmin-oauth1');
      const path = `/v1/users/${user}/connections/garmin-oauth1/token`;
      const { token_secret: secret } = await getToken<OAuth1Body>(user, 'garmin-oauth1');
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

  describe('the browser afterwards', () => {
    it.each(['whoop', 'garmin-oauth1'])(
      'AR-15 is sent from %s to the return_url with status, provider and connection_id and nothing else',
      async (slug) => {
        const user = newUser();
        const { linkWebUrl } = await startLink(application, user, slug, {
          return_url: 'https://app.example.com/devices',
        });
        const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);
        const { connection_id: id } = await getConnection(user, slug);

        expect(finished.headers['location']).toBe(
          `https://app.example.com/devices?status=success&provider=${slug}&connection_id=${id}`,
        );
        expect(finished.headers).toMatchObject(callbackHeaders);
        expect(finished.text).toBe('');
      },
    );

    it.each(['whoop', 'garmin-oauth1'])(
      'AR-15 is sent from %s to the return_url with the code of the error when the user says no',
      async (slug) => {
        const user = newUser();
        const { linkWebUrl } = await startLink(application, user, slug, {
          return_url: 'https://app.example.com/devices',
        });
        const callback = await consent(linkWebUrl, { decision: 'deny' });
        const finished = await application.browser.get(pathOf(callback)).expect(303);

        expect(finished.headers['location']).toBe(
          `https://app.example.com/devices?status=error&provider=${slug}&error=AUTHORIZATION_DENIED`,
        );
        expect(finished.headers).toMatchObject(callbackHeaders);
        await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
      },
    );

    it('keeps the parameters that the return_url has, but not under our own names', async () => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, 'whoop', {
        return_url: 'https://app.example.com/done?tab=health&status=old',
      });
      const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);
      const { connection_id: id } = await getConnection(user, 'whoop');

      expect(finished.headers['location']).toBe(
        `https://app.example.com/done?tab=health&status=success&provider=whoop&connection_id=${id}`,
      );
    });

    it('takes any return_url on this machine outside production', async () => {
      const { linkWebUrl } = await startLink(application, newUser(), 'whoop', {
        return_url: 'http://localhost:5173/back',
      });
      const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);

      expect(finished.headers['location']).toMatch(/^http:\/\/localhost:5173\/back\?status=success&/);
    });

    it.each(['whoop', 'garmin-oauth1'])('may come back from %s by POST with a form', async (slug) => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, slug);
      const callback = await consent(linkWebUrl);

      const finished = await application.browser
        .post(callback.pathname)
        .type('form')
        .send(callback.search.slice(1))
        .expect(200);

      const { connection_id: id } = await getConnection(user, slug);
      expect(finished.body).toMatchObject({ success: true, provider: slug, connection_id: id });
      expect(finished.headers).toMatchObject(callbackHeaders);
    });

    it('comes back by POST and is sent to the return_url with 303, so that it does not repeat the form', async () => {
      const { linkWebUrl } = await startLink(application, newUser(), 'oura', {
        return_url: 'https://app.example.com/devices',
      });
      const callback = await consent(linkWebUrl);

      const finished = await application.browser
        .post(callback.pathname)
        .type('form')
        .send(callback.search.slice(1))
        .expect(303);

      expect(finished.headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);
    });
  });

  describe('scopes', () => {
    it('AR-17 asks the provider for the scopes of the link instead of the default ones', async () => {
      const user = newUser();
      const scopes = ['offline', 'read:sleep', 'read:profile'];
      const { linkWebUrl } = await startLink(application, user, 'whoop', { scopes });
      expect(new URL(linkWebUrl).searchParams.get('scope')).toBe('offline read:sleep read:profile');
      await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);

      expect(await getConnection(user, 'whoop')).toMatchObject({
        scopes_granted: scopes,
        scopes_missing: [],
        scopes_unrequested: [],
      });
      expect((await getToken<BearerBody>(user, 'whoop')).scopes).toEqual(scopes);
    });

    it.each([
      { slug: 'oura', asked: ['extapi:personal', 'extapi:daily', 'extapi:workout'], granted: ['extapi:daily'] },
      { slug: 'fitbit', asked: ['activity', 'sleep', 'profile'], granted: ['sleep'] },
    ])('AR-17 shows what the user unticked at $slug', async ({ slug, asked, granted }) => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, slug, { scopes: asked });
      await application.browser.get(pathOf(await consent(linkWebUrl, { scopes: granted }))).expect(200);

      const connection = await getConnection(user, slug);
      expect(connection).toMatchObject({
        status: 'active',
        scopes_granted: granted,
        scopes_missing: asked.filter((scope) => !granted.includes(scope)),
      });
      expect((await getToken<BearerBody>(user, slug)).scopes).toEqual(granted);
    });

    it('AR-17 issues no token for what the user has not granted, and leaves an audit entry', async () => {
      const user = newUser();
      const [personal, daily, workout] = ['extapi:personal', 'extapi:daily', 'extapi:workout'] as const;
      const scopes = [personal, daily, workout];
      const { linkWebUrl } = await startLink(application, user, 'oura', { scopes });
      await application.browser.get(pathOf(await consent(linkWebUrl, { scopes: [personal, daily] }))).expect(200);
      const path = `/v1/users/${user}/connections/oura/token`;

      const refused = await application.api
        .get(path)
        .query({ scope: `${daily} ${workout}` })
        .expect(409);

      expect(refused.body).toMatchObject({ code: 'SCOPE_NOT_GRANTED', act: 'user' });
      expect((refused.body as { detail: string }).detail).toContain('not granted: extapi:workout.');
      expect(refused.text).not.toContain('access_token');
      expect((await auditEntriesOf(application, user)).at(-1)).toBe(
        'token.handed_out denied api-key SCOPE_NOT_GRANTED',
      );
      for (const scope of [daily, ` ${daily}  ${personal} `, '']) {
        await application.api.get(path).query({ scope }).expect(200);
      }
      for (const query of ['scope=daily&scope=workout', 'scope=a%00', 'scope=%22', `scope=${'x'.repeat(2_001)}`]) {
        await application.api.get(`${path}?${query}`).expect(400);
      }
    });

    it('tells scopes that cannot be read as unknown, never as all that was asked for (TE-04)', async () => {
      const user = newUser();
      const fake = application.sandbox.provider('whoop');
      const path = `/v1/users/${user}/connections/whoop`;
      const unknown = { scopes_granted: null, scopes_missing: null, scopes_unrequested: null };
      fake.misbehave({ endpoint: 'token', type: 'fields', values: { scope: '' } });
      const { linkWebUrl } = await startLink(application, user, 'whoop');
      await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);

      expect(await getConnection(user, 'whoop')).toMatchObject(unknown);
      const token = await application.api.get(`${path}/token`).expect(200);
      expect(token.body).toMatchObject({ scopes: null });
      const refused = await application.api.get(`${path}/token`).query({ scope: 'offline' }).expect(409);
      expect(refused.body).toMatchObject({ code: 'SCOPE_NOT_GRANTED' });
      expect((refused.body as { detail: string }).detail).toContain('The granted scopes are unknown');
      expect((await application.api.get('/v1/users/' + user + '/connections')).body).toMatchObject({
        connections: [unknown],
      });

      // Once the provider tells them, they are known; what it garbles later is unknown again.
      fake.misbehave({ endpoint: 'refresh', type: 'scope', scopes: ['offline'] });
      await application.api.post(`${path}/refresh`).expect(200);
      expect(await getConnection(user, 'whoop')).toMatchObject({ scopes_granted: ['offline'], scopes_unrequested: [] });
      await application.api.get(`${path}/token`).query({ scope: 'offline' }).expect(200);
      fake.misbehave({ endpoint: 'refresh', type: 'fields', values: { scope: 7 } });
      await application.api.post(`${path}/refresh`).expect(200);
      expect(await getConnection(user, 'whoop')).toMatchObject(unknown);

      // Scopes that a replica of an earlier release has stored since are shown: it does not know the column that says
      // otherwise.
      const earlier = `UPDATE connections SET scopes_granted = '{offline}' WHERE user_id = $1`;
      await queryDatabase(application.databaseUrl, earlier, [user]);
      expect(await getConnection(user, 'whoop')).toMatchObject({ scopes_granted: ['offline'] });
    });

    it.each<[scope: string, granted: string[] | null]>([
      ['read,%20activity:read_all', ['read', 'activity:read_all']],
      ['read%20activity:read_all', ['read', 'activity:read_all']],
      ['read,activity:read_all', ['read', 'activity:read_all']],
      ['', null],
      ['%20,', null],
      ['r%C3%A9ad', null],
    ])('reads the scope %j of a callback forgivingly (TE-04)', async (scope, granted) => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, 'strava', { scopes: ['read', 'activity:read_all'] });
      const callback = await consent(linkWebUrl, { account: String(900_000 + Math.floor(performance.now())) });
      const query = callback.search.replace(/&scope=[^&]*/, `&scope=${scope}`);
      expect(query).toContain(`&scope=${scope}`);
      await application.browser.get(callback.pathname + query).expect(200);
      expect(await getConnection(user, 'strava')).toMatchObject({
        scopes_granted: granted,
        scopes_missing: granted && [],
      });
    });

    it('AR-17 shows what the provider granted without being asked, with the link and with a refresh', async () => {
      const user = newUser();
      const scopes = ['offline', 'read:sleep'];
      const fake = application.sandbox.provider('whoop');
      fake.misbehave({ endpoint: 'token', type: 'scope', scopes: [...scopes, 'read:profile'] });
      const { linkWebUrl } = await startLink(application, user, 'whoop', { scopes });
      await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
      expect(await getConnection(user, 'whoop')).toMatchObject({
        scopes_missing: [],
        scopes_unrequested: ['read:profile'],
      });

      fake.misbehave({ endpoint: 'refresh', type: 'scope', scopes: [...scopes, 'read:workout'] });
      await application.api.post(`/v1/users/${user}/connections/whoop/refresh`).expect(200);
      expect(await getConnection(user, 'whoop')).toMatchObject({ scopes_unrequested: ['read:workout'] });
    });
  });

  describe('linking again', () => {
    it.each(['whoop', 'garmin', 'oura'])('replaces the tokens of %s and keeps the connection', async (slug) => {
      const user = newUser();
      const firstId = await linkAccount(application, user, slug, { account: '2002' });
      const first = await getToken<BearerBody>(user, slug);
      const secondId = await linkAccount(application, user, slug, { account: '2002' });
      const second = await getToken<BearerBody>(user, slug);

      expect(secondId).toBe(firstId);
      expect(second.access_token).not.toBe(first.access_token);
      expect(await callProvider(slug, `Bearer ${second.access_token}`)).toMatchObject({ body: { account_id: '2002' } });
      const list = await application.api.get(`/v1/users/${user}/connections`).expect(200);
      expect((list.body as { connections: ConnectionBody[] }).connections).toEqual([await getConnection(user, slug)]);
    });

    it('replaces the token and secret of an OAuth 1.0a connection and keeps the connection', async () => {
      const user = newUser();
      const firstId = await linkAccount(application, user, 'fitbit-oauth1');
      const first = await getToken<OAuth1Body>(user, 'fitbit-oauth1');
      const secondId = await linkAccount(application, user, 'fitbit-oauth1');
      const second = await getToken<OAuth1Body>(user, 'fitbit-oauth1');

      expect(secondId).toBe(firstId);
      expect(second.token).not.toBe(first.token);
      expect(second.token_secret).not.toBe(first.token_secret);
      expect(await callProvider('fitbit-oauth1', signFor('fitbit-oauth1', second))).toMatchObject({ status: 200 });
    });

    it('leaves the connection as it is when the user says no the second time', async () => {
      const user = newUser();
      await linkAccount(application, user, 'whoop');
      const before = [await getConnection(user, 'whoop'), await getToken<BearerBody>(user, 'whoop')];
      const { linkWebUrl } = await startLink(application, user, 'whoop');
      await application.browser.get(pathOf(await consent(linkWebUrl, { decision: 'deny' }))).expect(403);

      expect([await getConnection(user, 'whoop'), await getToken<BearerBody>(user, 'whoop')]).toEqual(before);
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
      const { access_token: token } = await getToken<BearerBody>(ben, 'whoop');
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
      'TE-10 erases the connection here and says pending when the provider %s',
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
          expect(await queryDatabase(application.databaseUrl, 'SELECT 1 FROM connections WHERE id = $1', [id])).toEqual(
            [],
          );
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

  it('lists every provider with what a caller has to know', async () => {
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
