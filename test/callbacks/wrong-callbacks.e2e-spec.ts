import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../src/errors/error-code.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { approvedLink, linkAccount, newUser, pathOf, startLink } from '../support/linking.js';
import { endMisbehavior, slugs } from '../support/fake-providers.js';
import { bodyOf, expectProblem } from '../support/problems.js';
import { connectionRows, linkBystander, readUntouchedRows } from '../support/untouched-rows.js';
import { ago, changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication();
  await linkBystander(application);
});
afterEach(() => endMisbehavior(application));
afterAll(() => application.close());

describe('a provider that is not set up', () => {
  it('cannot be linked, says so in the list, and takes no callbacks', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const { state } = await startLink(application, newUser(), 'whoop');
    const bare = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: { SANDBOX_URL: undefined },
    });
    try {
      const before = await readUntouchedRows(application);
      for (const slug of slugs) {
        const response = await bare.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).send({});
        expectProblem(response, 409, 'PROVIDER_NOT_CONFIGURED');
        const callback = await bare.browser.get(`/v1/oauth/${slug}/callback?state=${createOneTimeSecret()}&code=1`);
        expectProblem(callback, 403, 'AUTHORIZATION_STATE_INVALID');
      }
      expect(await readUntouchedRows(application)).toEqual(before);
      const body = bodyOf(await bare.api.get('/v1/providers').expect(200));
      const { providers } = body as { providers: { configured: boolean; sandbox: boolean }[] };
      expect(providers.filter(({ configured, sandbox: fake }) => configured || fake)).toEqual([]);
      expect(providers.length).toBeGreaterThan(slugs.length);

      // A link started while the provider was set up ends here, without a call to anybody.
      const calls = sandbox.provider('whoop').history.length;
      expectProblem(
        await bare.browser.get(`/v1/oauth/whoop/callback?state=${state}&code=1`),
        403,
        'AUTHORIZATION_STATE_INVALID',
      );
      expect(sandbox.provider('whoop').history).toHaveLength(calls);
      // Connections from before can still be looked at and read.
      await bare.api.get('/v1/users/bystander/connections/whoop').expect(200);
    } finally {
      await bare.close();
    }
  });
});

describe('a callback', () => {
  it.each(['whoop', 'garmin-oauth1'])(
    'from %s with a wrong state gets a response and changes nothing',
    async (slug) => {
      const user = newUser();
      const used = await approvedLink(application, slug, { user });
      await application.browser.get(pathOf(used.callback)).expect(200);
      const late = await approvedLink(application, slug);
      await changeRows(
        application.databaseUrl,
        'links',
        { expires_at: ago(1) },
        { state_hash: hashOneTimeSecret(late.state) },
      );
      const forged = new URL(late.callback);
      forged.searchParams.set('state', createOneTimeSecret());
      const missing = new URL(late.callback);
      missing.searchParams.delete('state');
      const before = await readUntouchedRows(application);

      for (const url of [used.callback, late.callback, forged, missing]) {
        const byGet = await application.browser.get(pathOf(url));
        const byPost = await application.browser.post(url.pathname).type('form').send(url.search.slice(1));
        expectProblem(byGet, 403, 'AUTHORIZATION_STATE_INVALID');
        expectProblem(byPost, 403, 'AUTHORIZATION_STATE_INVALID');
      }
      expectProblem(await application.browser.get(`/v1/oauth/${slug}/callback`), 403, 'AUTHORIZATION_STATE_INVALID');
      expectProblem(await application.browser.post(`/v1/oauth/${slug}/callback`), 403, 'AUTHORIZATION_STATE_INVALID');
      expect(await readUntouchedRows(application)).toEqual(before);
    },
  );

  it.each(slugs)('from %s after a denial changes nothing, and cannot be used for consent', async (slug) => {
    const { linkWebUrl, state } = await startLink(application, 'bystander', slug);
    const callback = await consent(linkWebUrl, { decision: 'deny' });
    const before = await connectionRows(application);
    const calls = application.sandbox.provider(slug).history.length;

    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_DENIED');
    const yes = `/v1/oauth/${slug}/callback?state=${state}&code=1`;
    expectProblem(await application.browser.get(yes), 403, 'AUTHORIZATION_STATE_INVALID');

    expect(await connectionRows(application)).toEqual(before);
    expect(application.sandbox.provider(slug).history).toHaveLength(calls);
  });

  it.each([
    ['access_denied', 403, 'AUTHORIZATION_DENIED'],
    ['Access_Denied', 403, 'AUTHORIZATION_DENIED'],
    ['access-denied', 403, 'AUTHORIZATION_DENIED'],
    ['user_denied', 403, 'AUTHORIZATION_DENIED'],
    ['user_cancelled_login', 403, 'AUTHORIZATION_DENIED'],
    ['user_canceled', 403, 'AUTHORIZATION_DENIED'],
    ['server_error', 503, 'PROVIDER_UNAVAILABLE'],
    ['temporarily_unavailable', 503, 'PROVIDER_UNAVAILABLE'],
    ['invalid_request', 500, 'PROVIDER_MISCONFIGURED'],
    ['invalid_scope', 500, 'PROVIDER_MISCONFIGURED'],
    ['unauthorized_client', 500, 'PROVIDER_MISCONFIGURED'],
    ['unsupported_response_type', 500, 'PROVIDER_MISCONFIGURED'],
    ['login_required', 502, 'AUTHORIZATION_FAILED'],
    ['', 403, 'AUTHORIZATION_STATE_INVALID'],
    ['consent_required', 502, 'AUTHORIZATION_FAILED'],
    ['__proto__', 502, 'AUTHORIZATION_FAILED'],
  ] as const)('with the error "%s" ends the link with %i %s (AR-13)', async (error, status, code) => {
    for (const slug of ['whoop', 'garmin', 'fitbit', 'oura']) {
      const { state } = await startLink(application, 'bystander', slug);
      const before = await connectionRows(application);
      const calls = application.sandbox.provider(slug).history.length;
      const path = `/v1/oauth/${slug}/callback?error=${error}&error_description=secret+words&state=${state}`;

      const response = await application.browser.get(path);

      expectProblem(response, status, code);
      expect(response.text).not.toContain('secret words');
      expectProblem(await application.browser.get(path), 403, 'AUTHORIZATION_STATE_INVALID');
      expect(await connectionRows(application)).toEqual(before);
      expect(application.sandbox.provider(slug).history).toHaveLength(calls);
    }
  });

  it.each([
    ['oauth_problem=user_refused', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_problem=permission_denied', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_problem=User_Refused&oauth_token=x', 403, 'AUTHORIZATION_DENIED'],
    ['error=access_denied', 403, 'AUTHORIZATION_DENIED'],
    ['error=access_denied&oauth_token=x', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_token=x&oauth_verifier=denied', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_token=x&oauth_verifier=null', 403, 'AUTHORIZATION_DENIED'],
    ['denied=token', 403, 'AUTHORIZATION_DENIED'],
    ['denied=', 403, 'AUTHORIZATION_DENIED'],
    ['denied', 403, 'AUTHORIZATION_DENIED'],
    ['oauth_problem=token_expired', 403, 'AUTHORIZATION_STATE_INVALID'],
    ['error=server_error', 403, 'AUTHORIZATION_STATE_INVALID'],
  ] as const)('of OAuth 1.0a with %s ends the link with %i %s (AR-13)', async (parameters, status, code) => {
    for (const slug of ['garmin-oauth1', 'fitbit-oauth1']) {
      const { state } = await startLink(application, 'bystander', slug);
      const before = await connectionRows(application);
      const calls = application.sandbox.provider(slug).history.length;

      const response = await application.browser.get(`/v1/oauth/${slug}/callback?state=${state}&${parameters}`);

      expectProblem(response, status, code);
      expect(await connectionRows(application)).toEqual(before);
      expect(application.sandbox.provider(slug).history).toHaveLength(calls);
    }
  });

  it("with the provider's own error for an unknown scope ends the link", async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop', { scopes: ['read:thoughts'] });
    const { headers, body } = await request(linkWebUrl);
    await body.dump();
    const callback = new URL(String(headers['location']));
    expect(callback.searchParams.get('error')).toBe('invalid_scope');

    expectProblem(await application.browser.get(pathOf(callback)), 500, 'PROVIDER_MISCONFIGURED');
  });

  it.each(['code', 'oauth_verifier'])('without a %s ends the link', async (name) => {
    const slug = name === 'code' ? 'whoop' : 'garmin-oauth1';
    const { callback } = await approvedLink(application, slug);
    callback.searchParams.delete(name);
    const before = await connectionRows(application);

    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');

    expect(await connectionRows(application)).toEqual(before);
  });

  it.each(slugs)('with a code or verifier that %s refuses ends the link', async (slug) => {
    const { callback } = await approvedLink(application, slug);
    callback.searchParams.set(slug.endsWith('oauth1') ? 'oauth_verifier' : 'code', 'made-up');
    const before = await connectionRows(application);

    const response = await application.browser.get(pathOf(callback));

    expectProblem(response, 403, 'AUTHORIZATION_CODE_REFUSED');
    expect(response.text).not.toContain('made-up');
    expect(await connectionRows(application)).toEqual(before);
  });
});

describe('a provider that goes wrong when the code is redeemed', () => {
  type Wrong = Misbehaviour extends infer Each
    ? Each extends { endpoint: string }
      ? Omit<Each, 'endpoint'>
      : never
    : never;
  const everywhere: [string, Wrong, number, ErrorCode][] = [
    ['is down', { type: 'drop' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['is down after taking the code', { type: 'drop', processed: true }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with 500', { type: 'status', code: 500 }, 503, 'PROVIDER_UNAVAILABLE'],
    [
      'responds with 502 and HTML',
      { type: 'status', code: 502, body: '<html>', contentType: 'text/html' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    ['responds with 503', { type: 'status', code: 503 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with 408', { type: 'status', code: 408 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with 429', { type: 'status', code: 429, headers: { 'Retry-After': '7' } }, 503, 'PROVIDER_RATE_LIMITED'],
    ['responds with 429 without a time', { type: 'status', code: 429 }, 503, 'PROVIDER_RATE_LIMITED'],
    ['responds with 403', { type: 'status', code: 403 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'redirects elsewhere',
      { type: 'redirect', status: 307, location: 'http://127.0.0.1:9/' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    ['responds with too much', { type: 'hugeBody', bytes: 1_100_000 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with a bomb', { type: 'gzipBomb', bytes: 50_000_000 }, 503, 'PROVIDER_UNAVAILABLE'],
  ];
  const oauth2: [string, Wrong, number, ErrorCode][] = [
    ...everywhere,
    ['refuses the code', { type: 'error', error: 'invalid_grant', status: 400 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'refuses the code and quotes it',
      { type: 'echoSecret', error: 'invalid_grant', status: 400 },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
    ['refuses our client', { type: 'error', error: 'invalid_client', status: 401 }, 500, 'PROVIDER_MISCONFIGURED'],
    [
      'does not allow our client this',
      { type: 'error', error: 'unauthorized_client', status: 400 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['has an outage', { type: 'error', error: 'temporarily_unavailable', status: 400 }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with HTML', { type: 'html' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['responds with nothing', { type: 'emptyBody' }, 503, 'PROVIDER_UNAVAILABLE'],
    [
      'responds with 200 and a refusal',
      { type: 'errorIn200', error: 'invalid_grant' },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
    [
      'responds with 200 and a fault of our client',
      { type: 'errorIn200', error: 'invalid_client' },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['responds with 200 and an outage', { type: 'errorIn200', error: 'server_error' }, 503, 'PROVIDER_UNAVAILABLE'],
    [
      'responds with 200 and an error nobody knows',
      { type: 'errorIn200', error: 'strange' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    [
      'responds with JSON that is no object',
      { type: 'status', code: 200, body: '"token"', contentType: 'application/json' },
      503,
      'PROVIDER_UNAVAILABLE',
    ],
    [
      'responds with an empty object',
      { type: 'status', code: 200, body: '{}', contentType: 'application/json' },
      502,
      'TOKEN_RESPONSE_INVALID',
    ],
    ['gives another kind of token', { type: 'badTokenType' }, 502, 'TOKEN_RESPONSE_INVALID'],
  ];
  const oauth1: [string, Wrong, number, ErrorCode][] = [
    ...everywhere,
    [
      'refuses the verifier',
      { type: 'error', error: 'verifier_invalid', status: 401 },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
    ['refuses the token', { type: 'error', error: 'token_rejected', status: 401 }, 403, 'AUTHORIZATION_CODE_REFUSED'],
    [
      'refuses our client',
      { type: 'error', error: 'consumer_key_unknown', status: 401 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    [
      'refuses our signature',
      { type: 'error', error: 'signature_invalid', status: 401 },
      500,
      'PROVIDER_MISCONFIGURED',
    ],
    ['responds with HTML', { type: 'html' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['responds with nothing', { type: 'emptyBody' }, 502, 'TOKEN_RESPONSE_INVALID'],
    [
      'responds with 200 and an error',
      { type: 'errorIn200', error: 'token_rejected' },
      403,
      'AUTHORIZATION_CODE_REFUSED',
    ],
  ];

  async function expectRefusal(slug: string, behaviour: Misbehaviour, status: number, code: ErrorCode): Promise<void> {
    const { callback } = await approvedLink(application, slug, { user: 'bystander' });
    const fake = application.sandbox.provider(slug);
    fake.misbehave(behaviour);
    const before = await connectionRows(application);
    const calls = fake.history.length;

    const response = await application.browser.get(pathOf(callback));

    expectProblem(response, status, code);
    const withTime = behaviour.type === 'status' && behaviour.headers !== undefined;
    expect(response.headers['retry-after']).toBe(withTime ? '7' : undefined);
    for (const secret of callback.searchParams.values()) {
      expect(response.text).not.toContain(secret);
    }
    expect(fake.history).toHaveLength(calls + 1);
    expectProblem(await application.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');
    expect(fake.history).toHaveLength(calls + 1);
    expect(await connectionRows(application)).toEqual(before);
    await linkAccount(application, newUser(), slug);
  }

  it.each(oauth2)('OAuth 2.0: it %s', async (_what, wrong, status, code) => {
    await expectRefusal('whoop', { ...wrong, endpoint: 'token' } as Misbehaviour, status, code);
    await expectRefusal('fitbit', { ...wrong, endpoint: 'token' } as Misbehaviour, status, code);
  });

  it.each(oauth1)('OAuth 1.0a: it %s', async (_what, wrong, status, code) => {
    await expectRefusal('garmin-oauth1', { ...wrong, endpoint: 'access_token' } as Misbehaviour, status, code);
  });

  it.each(oauth1.filter(([, , , code]) => code !== 'AUTHORIZATION_CODE_REFUSED'))(
    'OAuth 1.0a, when the link is started: it %s',
    async (_what, wrong, status, code) => {
      const fake = application.sandbox.provider('garmin-oauth1');
      fake.misbehave({ ...wrong, endpoint: 'request_token' } as Misbehaviour);
      const links = await queryDatabase(application.databaseUrl, 'SELECT id FROM links ORDER BY id');
      const calls = fake.history.length;

      const response = await application.api.post('/v1/users/bystander/connections/garmin-oauth1/link').send({});

      expectProblem(response, status, code);
      expect(fake.history).toHaveLength(calls + 1);
      expect(await queryDatabase(application.databaseUrl, 'SELECT id FROM links ORDER BY id')).toEqual(links);
      await linkAccount(application, newUser(), 'garmin-oauth1');
    },
  );

  it.each([
    { slug: 'whoop', lifetimeSeconds: 3_600 },
    { slug: 'garmin', lifetimeSeconds: 86_400 },
    { slug: 'fitbit', lifetimeSeconds: 28_800 },
    { slug: 'strava', lifetimeSeconds: 21_600 },
  ])(
    'takes the documented life of a token of $slug that comes without expires_in',
    async ({ slug, lifetimeSeconds }) => {
      const user = newUser();
      application.sandbox.provider(slug).misbehave({ endpoint: 'token', type: 'omitExpiresIn' });
      const startedAt = application.clock.now().getTime();
      await linkAccount(application, user, slug);

      const body = bodyOf(await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200));

      const lifeMs = new Date((body as { expires_at: string }).expires_at).getTime() - startedAt;
      expect(Math.abs(lifeMs - lifetimeSeconds * 1_000)).toBeLessThan(30_000);
    },
  );

  it.each<[string, Misbehaviour]>([
    ['drops the connection', { endpoint: 'account', type: 'drop' }],
    ['responds with 500', { endpoint: 'account', type: 'status', code: 500 }],
    ['responds with HTML', { endpoint: 'account', type: 'html' }],
    ['refuses', { endpoint: 'account', type: 'error', error: 'invalid_token', status: 403 }],
  ])('keeps the grant when the provider only %s to tell the account', async (_what, behaviour) => {
    for (const slug of ['whoop', 'garmin-oauth1']) {
      const user = newUser();
      application.sandbox.provider(slug).misbehave(behaviour);
      await linkAccount(application, user, slug);

      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    }
  });
});
