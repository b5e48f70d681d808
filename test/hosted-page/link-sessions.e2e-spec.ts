import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type TestAgent from 'supertest/lib/agent.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { rewriteLink, linksOf } from '../support/link-rows.js';
import { newUser, pathOf } from '../support/linking.js';
import { chooseAgain, chooseAndConsent, createSession, openSession, startOnPage } from '../support/hosted-page.js';
import { passTimeInRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { isConnected } from '../support/connection-bodies.js';
import { redemptions } from '../support/fake-providers.js';

const returnUrl = 'https://app.example.com/devices';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
});
afterAll(() => application.close());

describe('a link session', () => {
  it('is opened in one browser: another one is refused, with the link and with the form (AR-05)', async () => {
    const user = newUser();
    const session = await createSession(application, user);
    const [mine, theirs] = [application.newBrowser(), application.newBrowser()];
    const path = pathOf(new URL(session.connectUrl));
    await mine.get(path).expect(200);
    await openSession(mine, session).expect(303);

    const refusal = await theirs.get(path).expect(403);
    await openSession(theirs, session).expect(403);
    await theirs.get('/connect').expect(403);
    await theirs.get(session.page).expect(403);

    expect(refusal.text).toContain('opened in another browser');
    const entry = 'access.denied denied browser LINK_SESSION_INVALID';
    expect(await auditEntriesOf(application, user)).toEqual([entry, entry]);
    // The browser that has opened it may follow the link again, and gets on without it.
    expect((await mine.get(path).expect(303)).headers['location']).toBe(session.page);
    await mine.get(session.page).expect(200);
  });

  it('is opened once, however many browsers do at the same moment (AR-05)', async () => {
    const user = newUser();
    const session = await createSession(application, user);
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => openSession(application.newBrowser(), session)),
    );
    expect(responses.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(responses.filter(({ status }) => status === 403)).toHaveLength(49);
    // A few in a minute, so that nobody fills the audit trail with them.
    const entries = await auditEntriesOf(application, user);
    expect(entries.length).toBeGreaterThanOrEqual(5);
    expect(entries.length).toBeLessThanOrEqual(10);
  });

  it('is not used up by HEAD, by a prefetch, or by a scanner that follows links (AR-05)', async () => {
    const session = await createSession(application, newUser());
    const path = pathOf(new URL(session.connectUrl));
    const scanner = application.newBrowser();

    const head = await scanner.head(path);
    const prefetch = await scanner.get(path).set('sec-purpose', 'prefetch').set('purpose', 'prefetch');
    const scan = await scanner.get(path).set('user-agent', 'Mozilla/5.0 (compatible; SafeLinks)');

    expect([head, prefetch, scan].flatMap(({ headers }) => headers['set-cookie'] ?? [])).toEqual([]);
    const user = application.newBrowser();
    await user.get(path).expect(200);
    await openSession(user, session).expect(303);
  });

  it('ends after ten minutes, opened or not (AR-05)', async () => {
    const user = newUser();
    const [opened, unopened] = [await createSession(application, user), await createSession(application, user)];
    const lifeMs = new Date(opened.expiresAt).getTime() - Date.now();
    expect(Math.abs(lifeMs - 600_000)).toBeLessThan(30_000);
    const browser = application.newBrowser();
    await openSession(browser, opened).expect(303);
    await passTimeInRows(application.databaseUrl, 'link_sessions', ['expires_at'], 10 * 60, { user_id: user });

    await browser.get(opened.page).expect(403);
    await startOnPage(browser, 'whoop', opened).expect(403);
    await openSession(application.newBrowser(), unopened).expect(403);
    expect(await linksOf(application, user)).toEqual([]);
  });

  it.each(['', 'x', createOneTimeSecret(), '\u0000', "' OR 1=1 --"])(
    'is not opened with the token %j (AR-05)',
    async (token) => {
      await application.newBrowser().get('/connect').query({ link_token: token }).expect(403);
      await application.newBrowser().post('/connect').type('form').send({ link_token: token }).expect(403);
    },
  );

  it('starts nothing for a form that another site posts, with or without the cookie (AR-03)', async () => {
    const user = newUser();
    const session = await createSession(application, user);
    const browser = application.newBrowser();
    for (const site of ['cross-site', 'same-site', 'none']) {
      await openSession(browser, session).set('sec-fetch-site', site).expect(403);
    }
    await openSession(browser, session).set('sec-fetch-site', 'same-origin').expect(303);

    await startOnPage(browser, 'whoop', session).set('sec-fetch-site', 'cross-site').expect(403);
    await startOnPage(application.newBrowser(), 'whoop', session).expect(403);
    expect(await linksOf(application, user)).toEqual([]);
    await startOnPage(browser, 'whoop', session).set('sec-fetch-site', 'same-origin').expect(303);
  });

  it('keeps neither its token nor the secrets of its cookies in the database (AR-01)', async () => {
    const user = newUser();
    const session = await createSession(application, user);
    const browser = application.newBrowser();
    const opened = await openSession(browser, session).expect(303);
    const started = await startOnPage(browser, 'whoop', session).expect(303);
    const secrets = [opened, started].map(
      ({ headers }) => /=([A-Za-z0-9_-]{43});/.exec(String(headers['set-cookie']))?.[1],
    );
    expect(new Set([...secrets, session.token, undefined]).size).toBe(4);

    const rows = await queryDatabase<{ row: string }>(
      application.databaseUrl,
      `SELECT to_jsonb(t)::text AS row FROM link_sessions t WHERE user_id = $1
       UNION ALL SELECT to_jsonb(t)::text FROM links t WHERE user_id = $1`,
      [user],
    );
    const dump = rows.map(({ row }) => row).join('\n');
    for (const secret of [...secrets, session.token].map(String)) {
      expect(dump).toContain(hashOneTimeSecret(secret).toString('hex'));
      expect([secret, Buffer.from(secret).toString('hex')].filter((shape) => dump.includes(shape))).toEqual([]);
    }
  });

  it('is erased with its user (LOG-08)', async () => {
    const user = newUser();
    const browser = application.newBrowser();
    const session = await createSession(application, user);
    const callback = await chooseAndConsent(browser, 'whoop', session);
    await createSession(application, user);
    await application.api.delete(`/v1/users/${user}`).expect(200);

    const left = await rowsOf(application.databaseUrl, 'link_sessions', { user_id: user });
    expect(left).toEqual([]);
    await browser.get(session.page).expect(403);
    await browser.get(pathOf(callback)).expect(403);
  });
});

describe('a link started on the hosted page', () => {
  it.each(['whoop', 'garmin-oauth1'])(
    'that comes back from %s in another browser is refused, and the provider is not asked (AR-03, AR-07, O1-05)',
    async (slug) => {
      const attacker = newUser();
      const browser = application.newBrowser();
      const victim = application.newBrowser();
      const before = redemptions(application, slug);
      // The attacker opens the page and forwards the provider's URL; the victim consents.
      const session = await createSession(application, attacker, { return_url: returnUrl });
      const callback = await chooseAndConsent(browser, slug, session);

      const response = await victim.get(pathOf(callback)).expect(303);

      expect(response.headers['location']).toBe(
        `${returnUrl}?status=error&provider=${slug}&error=AUTHORIZATION_STATE_INVALID`,
      );
      expect(redemptions(application, slug)).toBe(before);
      expect(await isConnected(application, attacker, slug)).toBe(false);
      expect((await linksOf(application, attacker)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
      expect(await auditEntriesOf(application, attacker)).toEqual([
        'link.started success browser',
        'link.failed denied browser AUTHORIZATION_STATE_INVALID',
      ]);
      expect((await browser.get(pathOf(callback)).expect(303)).headers['location']).toBe(response.headers['location']);
    },
  );

  it('with the defense off (no binding) is finished by another browser (AR-03)', async () => {
    const attacker = newUser();
    const callback = await chooseAndConsent(
      application.newBrowser(),
      'whoop',
      await createSession(application, attacker),
    );
    await rewriteLink(application, callback.searchParams.get('state') ?? '', 'browser_hash = NULL');

    await application.newBrowser().get(pathOf(callback)).expect(303);

    expect(await isConnected(application, attacker, 'whoop')).toBe(true);
  });

  it.each(['', 'x', createOneTimeSecret()])('is refused when the cookie holds %j (AR-03)', async (value) => {
    const user = newUser();
    const callback = await chooseAndConsent(application.newBrowser(), 'whoop', await createSession(application, user));
    const before = redemptions(application, 'whoop');
    const [link] = await linksOf(application, user);

    await application.newBrowser().get(pathOf(callback)).set('cookie', `cufflink-${link?.id}=${value}`).expect(303);

    expect(redemptions(application, 'whoop')).toBe(before);
    expect((await linksOf(application, user)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
  });

  it('is refused with the secret of another attempt of the same browser (AR-03)', async () => {
    const user = newUser();
    const browser = application.newBrowser();
    const session = await createSession(application, user);
    await openSession(browser, session).expect(303);
    const first = await startOnPage(browser, 'whoop', session).expect(303);
    const secret = /=([A-Za-z0-9_-]{43});/.exec(String(first.headers['set-cookie']))?.[1];
    const callback = await chooseAgain(browser, 'whoop', session);
    const second = (await linksOf(application, user))[1];

    await application.newBrowser().get(pathOf(callback)).set('cookie', `cufflink-${second?.id}=${secret}`).expect(303);
    expect(await isConnected(application, user, 'whoop')).toBe(false);
  });

  it('finishes in any order where two were started, and forgets each cookie with its link', async () => {
    const user = newUser();
    const browser = application.newBrowser();
    const session = await createSession(application, user, { return_url: returnUrl });
    const first = await chooseAndConsent(browser, 'whoop', session);
    const second = await chooseAgain(browser, 'oura', session);
    const finished = [await browser.get(pathOf(second)).expect(303), await browser.get(pathOf(first)).expect(303)];

    expect(await isConnected(application, user, 'whoop')).toBe(true);
    expect(await isConnected(application, user, 'oura')).toBe(true);
    const ids = (await linksOf(application, user)).map(({ id }) => id).reverse();
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
      const browser = application.newBrowser();
      const session = await createSession(application, user);
      const callback = await chooseAndConsent(browser, 'apple-health', session);
      const before = redemptions(application, 'apple-health');

      // Another site's form comes without cookies.
      const response = await post(application.newBrowser(), callback);
      expect(response.status).toBe(303);
      const resume = String(response.headers['location']);
      expect(resume).toMatch(/^\/v1\/links\/[0-9a-f-]{36}\/resume\?handle=[A-Za-z0-9_-]{43}$/);
      expect(redemptions(application, 'apple-health')).toBe(before);
      await browser.head(resume).expect(200);

      await browser.get(resume).expect(303);
      expect(redemptions(application, 'apple-health')).toBe(before + 1);
      expect(await isConnected(application, user, 'apple-health')).toBe(true);
      // Again, each of them leads to the page, and redeems nothing.
      for (const again of [
        await browser.get(resume),
        await application.newBrowser().get(resume),
        await post(browser, callback),
      ]) {
        expect(again.status).toBe(303);
        expect(pathOf(new URL(String(again.headers['location'])))).toBe(session.page);
      }
      expect(redemptions(application, 'apple-health')).toBe(before + 1);
    });

    it('is refused where the browser has no such cookie (AR-16, AR-03)', async () => {
      const user = newUser();
      const browser = application.newBrowser();
      const callback = await chooseAndConsent(browser, 'apple-health', await createSession(application, user));
      const before = redemptions(application, 'apple-health');
      const victim = application.newBrowser();
      const resume = String((await post(victim, callback)).headers['location']);

      await victim.get(resume).expect(303);
      await browser.get(resume).expect(303);

      expect(redemptions(application, 'apple-health')).toBe(before);
      expect((await linksOf(application, user)).map(({ outcome }) => outcome)).toEqual(['rejected_binding']);
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
      const browser = application.newBrowser();
      const callback = await chooseAndConsent(browser, 'apple-health', await createSession(application, user));
      const response = await post(application.newBrowser(), callback);
      const [link] = await linksOf(application, user);

      await browser.get(pathFor(String(link?.id))).expect(status);

      await browser.get(String(response.headers['location'])).expect(303);
      expect(await isConnected(application, user, 'apple-health')).toBe(true);
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
      const session = await createSession(secure, newUser());
      expect(session.connectUrl).toBe(`https://link.example.com/connect?link_token=${session.token}`);
      const opened = await secure.browser.post('/connect').type('form').send({ link_token: session.token });
      const [cookie] = opened.headers['set-cookie'] as unknown as string[];
      const started = await secure.browser
        .post('/connect/start')
        .set('cookie', String(cookie?.split(';')[0]))
        .type('form')
        .send({ session: session.handle, provider: 'whoop' })
        .expect(303);

      const attributes = 'Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax';
      expect(cookie).toMatch(
        new RegExp(`^__Host-cufflink-session-${session.handle}=[A-Za-z0-9_-]{43}; ${attributes}$`),
      );
      expect(String(started.headers['set-cookie'])).toMatch(
        new RegExp(`^__Host-cufflink-[0-9a-f-]{36}=[A-Za-z0-9_-]{43}; ${attributes}$`),
      );
    } finally {
      await secure.close();
    }
  });
});
