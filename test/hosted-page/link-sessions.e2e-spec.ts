import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import request from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent, type ConsentOptions } from '../../src/sandbox/testing/consent.js';
import { rewriteLink } from '../support/link-rows.js';
import { pathOf } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

const returnUrl = 'https://app.example.com/devices';

interface Session {
  readonly link_token: string;
  readonly connect_url: string;
  readonly expires_at: string;
}

let application: TestApplication;
let url: string;
let users = 0;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
  url = await application.app.getUrl();
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => application.close());

function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/** A browser with a cookie jar of its own. */
function newBrowser(): TestAgent {
  return request.agent(url);
}

async function createSession(user: string, body: object = {}): Promise<Session> {
  const response = await application.api.post('/v1/link-sessions').send({ user_id: user, ...body });
  expect(response.status).toBe(201);
  return response.body as Session;
}

/** Presses "Continue" on the page that a session's link opens. */
function open(browser: TestAgent, { link_token: token }: Session) {
  return browser.post('/connect').type('form').send({ link_token: token });
}

/** Names a session, as its page does in its URL and form. */
function handleOf({ link_token: token }: Session): string {
  return hashOneTimeSecret(token).toString('base64url');
}

/** The page of a session that was opened. */
function pathOfPage(session: Session): string {
  return `/connect?session=${handleOf(session)}`;
}

/** Presses the button of a provider on that page. */
function start(browser: TestAgent, slug: string, session: Session) {
  return browser
    .post('/connect/start')
    .type('form')
    .send({ session: handleOf(session), provider: slug });
}

/**
 * Opens a session, presses a provider's button and consents there. Returns the URL that the provider sends the browser
 * back to.
 */
async function chooseAndConsent(
  browser: TestAgent,
  slug: string,
  session: Session,
  options: ConsentOptions = {},
): Promise<URL> {
  await open(browser, session).expect(303);
  return chooseAgain(browser, slug, session, options);
}

async function chooseAgain(
  browser: TestAgent,
  slug: string,
  session: Session,
  options: ConsentOptions = {},
): Promise<URL> {
  const started = await start(browser, slug, session).expect(303);
  return consent(String(started.headers['location']), options);
}

function redemptions(slug: string): number {
  return application.sandbox.provider(slug).history.filter(({ kind }) => ['token', 'access_token'].includes(kind))
    .length;
}

async function isConnected(user: string, slug: string): Promise<boolean> {
  return (await application.api.get(`/v1/users/${user}/connections/${slug}`)).status === 200;
}

async function findLinks(user: string) {
  return queryDatabase<{ id: string; outcome: string | null }>(
    application.databaseUrl,
    'SELECT id, outcome FROM links WHERE user_id = $1 ORDER BY created_at',
    [user],
  );
}

describe('the hosted page', () => {
  it.each(['whoop', 'strava', 'fatsecret'])('links %s in the browser that opened it, and stays there', async (slug) => {
    const user = newUser();
    const session = await createSession(user);
    expect(session.connect_url).toBe(`http://localhost:3000/connect?link_token=${session.link_token}`);
    expect(session.link_token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const browser = newBrowser();

    const opening = await browser.get(pathOf(new URL(session.connect_url))).expect(200);
    const opened = await open(browser, session).expect(303);
    const page = await browser.get(pathOfPage(session)).expect(200);
    const callback = await chooseAgain(browser, slug, session);
    const finished = await browser.get(pathOf(callback)).expect(303);
    const back = await browser.get(pathOf(new URL(String(finished.headers['location'])))).expect(200);

    expect(opening.text).toContain('Continue');
    expect(opened.headers['location']).toBe(pathOfPage(session));
    expect(page.text).toContain(`value="${slug}"`);
    expect(back.text).toContain('is connected');
    expect(await isConnected(user, slug)).toBe(true);
  });

  it('goes to the return_url where the session names one, and asks for confirmation where it says so', async () => {
    const [direct, confirmed] = [newUser(), newUser()];
    const browser = newBrowser();
    const callback = await chooseAndConsent(browser, 'whoop', await createSession(direct, { return_url: returnUrl }));
    const finished = await browser.get(pathOf(callback)).expect(303);
    expect(finished.headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);

    const body = { return_url: returnUrl, require_confirmation: true };
    const other = newBrowser();
    const waiting = await other.get(
      pathOf(await chooseAndConsent(other, 'whoop', await createSession(confirmed, body))),
    );
    const { searchParams } = new URL(String(waiting.headers['location']));
    expect(searchParams.get('status')).toBe('confirmation_required');
    expect(await isConnected(confirmed, 'whoop')).toBe(false);
    await application.api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: confirmed, confirmation_code: searchParams.get('confirmation_code') })
      .expect(200);
    expect(await isConnected(confirmed, 'whoop')).toBe(true);
  });

  it('reports that the user denied consent, and lets another try', async () => {
    const user = newUser();
    const browser = newBrowser();
    const session = await createSession(user);
    const callback = await chooseAndConsent(browser, 'oura', session, { decision: 'deny' });
    const finished = await browser.get(pathOf(callback)).expect(303);
    const back = await browser.get(pathOf(new URL(String(finished.headers['location'])))).expect(200);
    expect(back.text).toContain('You declined to share your data.');

    await browser.get(pathOf(await chooseAgain(browser, 'oura', session))).expect(303);
    expect(await isConnected(user, 'oura')).toBe(true);
  });

  it('offers the providers of the session, and starts no other', async () => {
    const user = newUser();
    const browser = newBrowser();
    const session = await createSession(user, { providers: ['oura', 'whoop'] });
    await open(browser, session).expect(303);

    const page = await browser.get(pathOfPage(session)).expect(200);
    const refusal = await start(browser, 'garmin', session).expect(404);

    expect([...page.text.matchAll(/name="provider" value="([^"]*)"/g)].map((match) => match[1])).toEqual([
      'oura',
      'whoop',
    ]);
    expect(refusal.headers['content-type']).toMatch(/^text\/html/);
    expect(await findLinks(user)).toEqual([]);
  });

  it('offers no provider that has ended, though its fake still responds', async () => {
    const browser = newBrowser();
    const session = await createSession(newUser());
    await open(browser, session).expect(303);

    const page = await browser.get(pathOfPage(session)).expect(200);

    expect(page.text).toContain('value="google-health"');
    expect(page.text).not.toContain('value="fitbit"');
    const refused = await application.api
      .post('/v1/link-sessions')
      .send({ user_id: newUser(), providers: ['fitbit', 'fitbit-oauth1'] });
    expect(refused.body).toMatchObject({ status: 409, code: 'PROVIDER_NOT_CONFIGURED' });
  });

  it('offers no provider without credentials', async () => {
    const { databaseUrl, rootKey } = application;
    const environment = {
      NODE_ENV: 'production',
      ENVIRONMENT_NAME: 'test',
      PUBLIC_URL: 'https://link.example.com',
      RETURN_URLS: returnUrl,
      SANDBOX_URL: undefined,
      WHOOP_CLIENT_ID: 'company',
      WHOOP_CLIENT_SECRET: 'not-a-real-secret',
    };
    const production = await startApplication({ databaseUrl, rootKey, environment });
    try {
      const body = { user_id: newUser(), return_url: returnUrl };
      const made = await production.api.post('/v1/link-sessions').send(body).expect(201);
      const session = made.body as Session;
      const opened = await production.browser.post('/connect').type('form').send({ link_token: session.link_token });
      const [cookie] = opened.headers['set-cookie'] as unknown as string[];
      const page = await production.browser.get(pathOfPage(session)).set('cookie', String(cookie?.split(';')[0]));
      expect([...page.text.matchAll(/name="provider" value="([^"]*)"/g)].map((match) => match[1])).toEqual(['whoop']);
    } finally {
      await production.close();
    }
  });

  it.each([
    [{ providers: ['nothing'] }, 404, 'PROVIDER_UNKNOWN'],
    [{ providers: [] }, 400, 'REQUEST_INVALID'],
    [{ providers: ['whoop', 'whoop'] }, 400, 'REQUEST_INVALID'],
    [{ providers: 'whoop' }, 400, 'REQUEST_INVALID'],
    [{ return_url: 'https://evil.example/' }, 400, 'RETURN_URL_NOT_ALLOWED'],
    [{ require_confirmation: true }, 400, 'REQUEST_INVALID'],
    [{ user_id: '' }, 400, 'REQUEST_INVALID'],
  ])('is not made with %j', async (body, status, code) => {
    const response = await application.api.post('/v1/link-sessions').send({ user_id: 'user-1', ...body });
    expect(response.body).toMatchObject({ status, code });
  });

  it('offers only the providers of the key that made the session (TE-08)', async () => {
    const keys = application.app.get(ApiKeysService, { strict: false });
    const key = await keys.create('test', ['links:write'], { providers: ['oura'] });
    const make = (body: object) =>
      application.browser.post('/v1/link-sessions').set('authorization', `Bearer ${key}`).send(body);

    const denied = newUser();
    expect((await make({ user_id: denied, providers: ['oura', 'whoop'] })).body).toMatchObject({
      code: 'ACCESS_DENIED',
    });
    // Nobody has looked whether this user exists.
    expect(await auditEntriesOf(application, denied)).toEqual([]);
    await application.app.get(RefusalRecorder, { strict: false }).flush();
    const denials = await queryDatabase(
      application.databaseUrl,
      `SELECT code FROM audit_entries WHERE action = 'access.denied' AND actor = $1`,
      [`api-key:${key.split('_')[1]}`],
    );
    expect(denials).toEqual([{ code: 'ACCESS_DENIED' }]);
    const session = (await make({ user_id: 'user-1' }).expect(201)).body as Session;
    const browser = newBrowser();
    await open(browser, session).expect(303);
    const page = await browser.get(pathOfPage(session)).expect(200);
    expect([...page.text.matchAll(/name="provider" value="([^"]*)"/g)].map((match) => match[1])).toEqual(['oura']);
  });

  it('shows nothing of others, runs nothing, and does not say in a Referer where it was', async () => {
    const session = await createSession(newUser());
    const browser = newBrowser();
    const opening = await browser.get(pathOf(new URL(session.connect_url))).expect(200);
    const opened = await open(browser, session).expect(303);
    expect(opened.headers['referrer-policy']).toBe('no-referrer');
    const page = await browser
      .get(`${pathOfPage(session)}&status=success&provider=<script>alert(1)</script>`)
      .expect(200);
    const refusal = await newBrowser().get('/connect').expect(403);

    for (const { headers, text } of [opening, page, refusal]) {
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' });
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; style-src 'sha256-");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(text).not.toMatch(/<script|<img|<link|src=|https?:\/\//i);
    }
    expect(page.text).not.toContain(session.link_token);
  });
});

describe('a link session', () => {
  it('is opened in one browser: another one is refused, with the link and with the form (AR-05)', async () => {
    const user = newUser();
    const session = await createSession(user);
    const [mine, theirs] = [newBrowser(), newBrowser()];
    const path = pathOf(new URL(session.connect_url));
    await mine.get(path).expect(200);
    await open(mine, session).expect(303);

    const refusal = await theirs.get(path).expect(403);
    await open(theirs, session).expect(403);
    await theirs.get('/connect').expect(403);
    await theirs.get(pathOfPage(session)).expect(403);

    expect(refusal.text).toContain('opened in another browser');
    const entry = 'access.denied denied browser LINK_SESSION_INVALID';
    expect(await auditEntriesOf(application, user)).toEqual([entry, entry]);
    // The browser that has opened it may follow the link again, and gets on without it.
    expect((await mine.get(path).expect(303)).headers['location']).toBe(pathOfPage(session));
    await mine.get(pathOfPage(session)).expect(200);
  });

  it('is opened once, however many browsers do at the same moment (AR-05)', async () => {
    const user = newUser();
    const session = await createSession(user);
    const responses = await Promise.all(Array.from({ length: 50 }, () => open(newBrowser(), session)));
    expect(responses.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 403)).toHaveLength(49);
    // A few in a minute, so that nobody fills the audit trail with them.
    const entries = await auditEntriesOf(application, user);
    expect(entries.length).toBeGreaterThanOrEqual(5);
    expect(entries.length).toBeLessThanOrEqual(10);
  });

  it('is not used up by HEAD, by a prefetch, or by a scanner that follows links (AR-05)', async () => {
    const session = await createSession(newUser());
    const path = pathOf(new URL(session.connect_url));
    const scanner = newBrowser();

    const head = await scanner.head(path);
    const prefetch = await scanner.get(path).set('sec-purpose', 'prefetch').set('purpose', 'prefetch');
    const scan = await scanner.get(path).set('user-agent', 'Mozilla/5.0 (compatible; SafeLinks)');

    expect([head, prefetch, scan].flatMap(({ headers }) => headers['set-cookie'] ?? [])).toEqual([]);
    const user = newBrowser();
    await user.get(path).expect(200);
    await open(user, session).expect(303);
  });

  it('ends after ten minutes, opened or not (AR-05)', async () => {
    const user = newUser();
    const [opened, unopened] = [await createSession(user), await createSession(user)];
    const lifeMs = new Date(opened.expires_at).getTime() - Date.now();
    expect(Math.abs(lifeMs - 600_000)).toBeLessThan(30_000);
    const browser = newBrowser();
    await open(browser, opened).expect(303);
    await queryDatabase(
      application.databaseUrl,
      "UPDATE link_sessions SET expires_at = expires_at - interval '10 minutes' WHERE user_id = $1",
      [user],
    );

    await browser.get(pathOfPage(opened)).expect(403);
    await start(browser, 'whoop', opened).expect(403);
    await open(newBrowser(), unopened).expect(403);
    expect(await findLinks(user)).toEqual([]);
  });

  it.each(['', 'x', createOneTimeSecret(), '\u0000', "' OR 1=1 --"])(
    'is not opened with the token %j (AR-05)',
    async (token) => {
      await newBrowser().get('/connect').query({ link_token: token }).expect(403);
      await newBrowser().post('/connect').type('form').send({ link_token: token }).expect(403);
    },
  );

  it('starts nothing for a form that another site posts, with or without the cookie (AR-03)', async () => {
    const user = newUser();
    const session = await createSession(user);
    const browser = newBrowser();
    for (const site of ['cross-site', 'same-site', 'none']) {
      await open(browser, session).set('sec-fetch-site', site).expect(403);
    }
    await open(browser, session).set('sec-fetch-site', 'same-origin').expect(303);

    await start(browser, 'whoop', session).set('sec-fetch-site', 'cross-site').expect(403);
    await start(newBrowser(), 'whoop', session).expect(403);
    expect(await findLinks(user)).toEqual([]);
    await start(browser, 'whoop', session).set('sec-fetch-site', 'same-origin').expect(303);
  });

  it('keeps neither its token nor the secrets of its cookies in the database (AR-01)', async () => {
    const user = newUser();
    const session = await createSession(user);
    const browser = newBrowser();
    const opened = await open(browser, session).expect(303);
    const started = await start(browser, 'whoop', session).expect(303);
    const secrets = [opened, started].map(
      ({ headers }) => /=([A-Za-z0-9_-]{43});/.exec(String(headers['set-cookie']))?.[1],
    );
    expect(new Set([...secrets, session.link_token, undefined]).size).toBe(4);

    const rows = await queryDatabase<{ row: string }>(
      application.databaseUrl,
      `SELECT to_jsonb(t)::text AS row FROM link_sessions t WHERE user_id = $1
       UNION ALL SELECT to_jsonb(t)::text FROM links t WHERE user_id = $1`,
      [user],
    );
    const dump = rows.map(({ row }) => row).join('\n');
    for (const secret of [...secrets, session.link_token].map(String)) {
      expect(dump).toContain(hashOneTimeSecret(secret).toString('hex'));
      expect([secret, Buffer.from(secret).toString('hex')].filter((shape) => dump.includes(shape))).toEqual([]);
    }
  });

  it('is erased with its user (LOG-08)', async () => {
    const user = newUser();
    const browser = newBrowser();
    const session = await createSession(user);
    const callback = await chooseAndConsent(browser, 'whoop', session);
    await createSession(user);
    await application.api.delete(`/v1/users/${user}`).expect(200);

    const left = await queryDatabase(application.databaseUrl, 'SELECT 1 FROM link_sessions WHERE user_id = $1', [user]);
    expect(left).toEqual([]);
    await browser.get(pathOfPage(session)).expect(403);
    await browser.get(pathOf(callback)).expect(403);
  });
});

describe('a link started on the hosted page', () => {
  it.each(['whoop', 'garmin-oauth1'])(
    'that comes back from %s in another browser is refused, and the provider is not asked (AR-03, AR-07, O1-05)',
    async (slug) => {
      const attacker = newUser();
      const browser = newBrowser();
      const victim = newBrowser();
      const before = redemptions(slug);
      // The attacker opens the page and forwards the provider's URL; the victim consents.
      const session = await createSession(attacker, { return_url: returnUrl });
      const callback = await chooseAndConsent(browser, slug, session);

      const response = await victim.get(pathOf(callback)).expect(303);

      expect(response.headers['location']).toBe(
        `${returnUrl}?status=error&provider=${slug}&error=AUTHORIZATION_STATE_INVALID`,
      );
      expect(redemptions(slug)).toBe(before);
      expect(await isConnected(attacker, slug)).toBe(false);
      expect((await findLinks(attacker)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
      expect(await auditEntriesOf(application, attacker)).toEqual([
        'link.started success browser',
        'link.failed denied browser AUTHORIZATION_STATE_INVALID',
      ]);
      expect((await browser.get(pathOf(callback)).expect(303)).headers['location']).toBe(response.headers['location']);
    },
  );

  it('with the defense off (no binding) is finished by another browser (AR-03)', async () => {
    const attacker = newUser();
    const callback = await chooseAndConsent(newBrowser(), 'whoop', await createSession(attacker));
    await rewriteLink(application, callback.searchParams.get('state') ?? '', 'browser_hash = NULL');

    await newBrowser().get(pathOf(callback)).expect(303);

    expect(await isConnected(attacker, 'whoop')).toBe(true);
  });

  it.each(['', 'x', createOneTimeSecret()])('is refused when the cookie holds %j (AR-03)', async (value) => {
    const user = newUser();
    const callback = await chooseAndConsent(newBrowser(), 'whoop', await createSession(user));
    const before = redemptions('whoop');
    const [link] = await findLinks(user);

    await newBrowser().get(pathOf(callback)).set('cookie', `cufflink-${link?.id}=${value}`).expect(303);

    expect(redemptions('whoop')).toBe(before);
    expect((await findLinks(user)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
  });

  it('is refused with the secret of another attempt of the same browser (AR-03)', async () => {
    const user = newUser();
    const browser = newBrowser();
    const session = await createSession(user);
    await open(browser, session).expect(303);
    const first = await start(browser, 'whoop', session).expect(303);
    const secret = /=([A-Za-z0-9_-]{43});/.exec(String(first.headers['set-cookie']))?.[1];
    const callback = await chooseAgain(browser, 'whoop', session);
    const second = (await findLinks(user))[1];

    await newBrowser().get(pathOf(callback)).set('cookie', `cufflink-${second?.id}=${secret}`).expect(303);
    expect(await isConnected(user, 'whoop')).toBe(false);
  });

  it('finishes in any order where two were started, and forgets each cookie with its link', async () => {
    const user = newUser();
    const browser = newBrowser();
    const session = await createSession(user, { return_url: returnUrl });
    const first = await chooseAndConsent(browser, 'whoop', session);
    const second = await chooseAgain(browser, 'oura', session);
    const finished = [await browser.get(pathOf(second)).expect(303), await browser.get(pathOf(first)).expect(303)];

    expect(await isConnected(user, 'whoop')).toBe(true);
    expect(await isConnected(user, 'oura')).toBe(true);
    const ids = (await findLinks(user)).map(({ id }) => id).reverse();
    expect(finished.map(({ headers }) => String(headers['set-cookie']))).toEqual(
      ids.map((id) =>
        expect.stringMatching(`^cufflink-${id}=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT;`),
      ),
    );
  });

  describe('at a provider that sends the browser back with a form', () => {
    async function post(browser: TestAgent, { pathname, search }: URL) {
      return browser.post(pathname).type('form').send(search.slice(1));
    }

    it('continues where the browser can show its cookie, once (AR-16)', async () => {
      const user = newUser();
      const browser = newBrowser();
      const session = await createSession(user);
      const callback = await chooseAndConsent(browser, 'apple-health', session);
      const before = redemptions('apple-health');

      // Another site's form comes without cookies.
      const response = await post(newBrowser(), callback);
      expect(response.status).toBe(303);
      const resume = String(response.headers['location']);
      expect(resume).toMatch(/^\/v1\/links\/[0-9a-f-]{36}\/resume\?handle=[A-Za-z0-9_-]{43}$/);
      expect(redemptions('apple-health')).toBe(before);
      await browser.head(resume).expect(200);

      await browser.get(resume).expect(303);
      expect(redemptions('apple-health')).toBe(before + 1);
      expect(await isConnected(user, 'apple-health')).toBe(true);
      // Again, each of them leads to the page, and redeems nothing.
      for (const again of [await browser.get(resume), await newBrowser().get(resume), await post(browser, callback)]) {
        expect(again.status).toBe(303);
        expect(pathOf(new URL(String(again.headers['location'])))).toBe(pathOfPage(session));
      }
      expect(redemptions('apple-health')).toBe(before + 1);
    });

    it('is refused where the browser has no such cookie (AR-16, AR-03)', async () => {
      const user = newUser();
      const browser = newBrowser();
      const callback = await chooseAndConsent(browser, 'apple-health', await createSession(user));
      const before = redemptions('apple-health');
      const victim = newBrowser();
      const resume = String((await post(victim, callback)).headers['location']);

      await victim.get(resume).expect(303);
      await browser.get(resume).expect(303);

      expect(redemptions('apple-health')).toBe(before);
      expect((await findLinks(user)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
    });

    it.each([
      [
        'a handle that was not given out',
        (id: string) => `/v1/links/${id}/resume?handle=${createOneTimeSecret()}`,
        403,
      ],
      ['no handle', (id: string) => `/v1/links/${id}/resume`, 403],
      ['two handles', (id: string) => `/v1/links/${id}/resume?handle=a&handle=b`, 400],
      ['an id that is none', () => '/v1/links/1/resume?handle=a', 400],
    ])('is not resumed with %s (AR-16)', async (_what, pathFor, status) => {
      const user = newUser();
      const browser = newBrowser();
      const callback = await chooseAndConsent(browser, 'apple-health', await createSession(user));
      const response = await post(newBrowser(), callback);
      const [link] = await findLinks(user);

      await browser.get(pathFor(String(link?.id))).expect(status);

      await browser.get(String(response.headers['location'])).expect(303);
      expect(await isConnected(user, 'apple-health')).toBe(true);
    });
  });
});

describe('the cookies', () => {
  it('are __Host- cookies over https: HttpOnly, Secure, SameSite=Lax, for this host only (AR-03)', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const secure = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: { PUBLIC_URL: 'https://link.example.com' },
    });
    try {
      const made = await secure.api.post('/v1/link-sessions').send({ user_id: newUser() }).expect(201);
      const session = made.body as Session;
      expect(session.connect_url).toBe(`https://link.example.com/connect?link_token=${session.link_token}`);
      const opened = await secure.browser.post('/connect').type('form').send({ link_token: session.link_token });
      const [cookie] = opened.headers['set-cookie'] as unknown as string[];
      const started = await secure.browser
        .post('/connect/start')
        .set('cookie', String(cookie?.split(';')[0]))
        .type('form')
        .send({ session: handleOf(session), provider: 'whoop' })
        .expect(303);

      const attributes = 'Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax';
      expect(cookie).toMatch(
        new RegExp(`^__Host-cufflink-session-${handleOf(session)}=[A-Za-z0-9_-]{43}; ${attributes}$`),
      );
      expect(String(started.headers['set-cookie'])).toMatch(
        new RegExp(`^__Host-cufflink-[0-9a-f-]{36}=[A-Za-z0-9_-]{43}; ${attributes}$`),
      );
    } finally {
      await secure.close();
    }
  });
});
