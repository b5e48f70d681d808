import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import { LinkCookies } from '../../src/links/link-cookies.js';
import { LinkSessionStore, type StoredLinkSession } from '../../src/links/store/link-session-store.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent, type ConsentOptions } from '../../src/sandbox/testing/consent.js';
import { returnUrl, startReplica } from '../support/observed-application.js';
import { newUser, pathOf } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';
import { createSession, type LinkSession, openSession } from '../support/hosted-page.js';

const ours = 'http://localhost:3000';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { PUBLIC_URL: ours, RETURN_URLS: returnUrl } });
});
afterAll(() => application.close());

/** Presses the button of a provider on a page that is shown: sends what the page's form has. */
function press(browser: TestAgent, page: { text: string }, provider: string) {
  const session = /<input type="hidden" name="session" value="([^"]*)"/.exec(page.text)?.[1];
  return browser.post('/connect/start').type('form').send({ session, provider });
}

/** Consents to what a button has started, and comes back. Returns where the browser is sent. */
async function comeBack(browser: TestAgent, started: request.Response, options: ConsentOptions = {}): Promise<string> {
  const callback = await consent(String(started.headers['location']), options);
  const finished = await browser.get(pathOf(callback)).expect(303);
  const { pathname, search } = new URL(String(finished.headers['location']), ours);
  return pathname + search;
}

async function usersOfLinks(...sessions: LinkSession[]): Promise<string[]> {
  const rows = await queryDatabase<{ user: string }>(
    application.databaseUrl,
    'SELECT user_id AS "user" FROM links WHERE user_id = ANY ($1) ORDER BY created_at',
    [sessions.map(({ user }) => user)],
  );
  return rows.map(({ user }) => user);
}

describe('a form of the hosted page that another site sends', () => {
  const foreign = ['https://evil.example', 'http://evil.localhost:3000', 'http://localhost:3001', 'null', ''];

  it.each(foreign)('opens nothing with the origin %j, in a browser that tells no more (AR-28)', async (origin) => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();

    const response = await openSession(browser, session).set('origin', origin).expect(403);

    expect(response.headers['set-cookie']).toBeUndefined();
    // The session is still there for its user.
    await openSession(browser, session).set('origin', ours).expect(303);
  });

  it.each(foreign)('starts nothing with the origin %j, though the cookie comes with it (AR-28)', async (origin) => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);
    const page = await browser.get(session.page).expect(200);

    await press(browser, page, 'whoop').set('origin', origin).expect(403);
    await press(browser, page, 'whoop').set({ origin: ours, 'sec-fetch-site': 'same-site' }).expect(403);

    expect(await usersOfLinks(session)).toEqual([]);
    await press(browser, page, 'whoop').set({ origin: ours, 'sec-fetch-site': 'same-origin' }).expect(303);
  });

  it('with the defense off (a browser that sends neither header) opens the session of the attacker (AR-28)', async () => {
    const attackers = await createSession(application, newUser());
    const victim = application.newBrowser();

    await openSession(victim, attackers).expect(303);

    await victim.get(attackers.page).expect(200);
  });

  it('is recognized, because the pages let browsers send the origin, and no path (AR-28)', async () => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();

    const opening = await browser.get(`/connect?link_token=${session.token}`).expect(200);
    const opened = await openSession(browser, session).expect(303);
    const page = await browser.get(session.page).expect(200);
    const started = await press(browser, page, 'whoop').expect(303);

    expect([opening, page].map(({ headers }) => headers['referrer-policy'])).toEqual([
      'strict-origin',
      'strict-origin',
    ]);
    // The provider learns nothing.
    expect([opened, started].map(({ headers }) => headers['referrer-policy'])).toEqual(['no-referrer', 'no-referrer']);
  });
});

describe('two sessions in one browser', () => {
  /** Opens two sessions in two tabs, and presses a button in each, that of the first tab last. */
  async function inTwoTabs(instance: TestApplication): Promise<[LinkSession, LinkSession]> {
    const [first, second] = [await createSession(application, newUser()), await createSession(application, newUser())];
    const browser = instance.newBrowser();
    const pages = [];
    for (const session of [first, second]) {
      const { headers } = await openSession(browser, session).expect(303);
      pages.push(await browser.get(String(headers['location'])).expect(200));
    }
    for (const page of pages.reverse()) {
      await press(browser, page, 'whoop').expect(303);
    }
    return [first, second];
  }

  it('each act for their own user (AR-28)', async () => {
    const [first, second] = await inTwoTabs(application);

    expect(await usersOfLinks(first, second)).toEqual([second.user, first.user]);
  });

  it('with the defense off (one cookie for all sessions) the first tab links for the user of the second (AR-28)', async () => {
    const careless = await startReplica(application, {
      environment: { PUBLIC_URL: ours },
      override: (builder) =>
        builder
          .overrideProvider(LinkCookies)
          .useClass(OneSessionCookie)
          .overrideProvider(LinkSessionStore)
          .useClass(SessionsByCookie),
    });
    try {
      const [first, second] = await inTwoTabs(careless);

      expect(await usersOfLinks(first, second)).toEqual([second.user, second.user]);
    } finally {
      await careless.close();
    }
  });

  it('return to their own pages, which show the outcome (AR-28)', async () => {
    const [first, second] = [await createSession(application, newUser()), await createSession(application, newUser())];
    const browser = application.newBrowser();
    const started = [];
    for (const [session, slug] of [
      [first, 'whoop'],
      [second, 'oura'],
    ] as const) {
      await openSession(browser, session).expect(303);
      started.push(await press(browser, await browser.get(session.page).expect(200), slug).expect(303));
    }
    const [whoop, oura] = started as [request.Response, request.Response];

    expect(await comeBack(browser, oura)).toBe(second.page);
    expect(await comeBack(browser, whoop)).toBe(first.page);

    const ofFirst = await browser.get(first.page).expect(200);
    const ofSecond = await browser.get(second.page).expect(200);
    expect(ofFirst.text).toContain('WHOOP is connected');
    expect(ofFirst.text).not.toContain('Oura is connected');
    expect(ofSecond.text).toContain('Oura is connected');
    expect(ofSecond.text).not.toContain('WHOOP is connected');
  });

  it('of one user show on each page the outcome of its own link (AR-28)', async () => {
    const first = await createSession(application, newUser());
    const second = await createSession(application, first.user);
    const browser = application.newBrowser();
    for (const session of [first, second]) {
      await openSession(browser, session).expect(303);
    }
    const started = await press(browser, await browser.get(first.page).expect(200), 'whoop').expect(303);
    expect(await comeBack(browser, started)).toBe(first.page);

    expect((await browser.get(second.page).expect(200)).text).not.toContain('role="status"');
    expect((await browser.get(first.page).expect(200)).text).toContain('WHOOP is connected');
  });

  it('do not change the account of a connection, which only the company may allow (AR-24)', async () => {
    const [first] = [await createSession(application, newUser())];
    const second = await createSession(application, first.user);
    const browser = application.newBrowser();
    const outcomes: string[] = [];
    for (const [session, account] of [
      [first, '880001'],
      [second, '880002'],
    ] as const) {
      await openSession(browser, session).expect(303);
      const started = await press(browser, await browser.get(session.page).expect(200), 'whoop').expect(303);
      await comeBack(browser, started, { account });
      outcomes.push((await browser.get(session.page).expect(200)).text);
    }
    expect(outcomes[0]).toContain('WHOOP is connected');
    expect(outcomes[1]).toContain('You signed in with another account than before.');
    const grants = application.sandbox.provider('whoop').liveGrants();
    expect(grants.filter(({ accountId }) => accountId.startsWith('8800')).map(({ accountId }) => accountId)).toEqual([
      '880001',
    ]);
  });

  it('are not taken for one another: a handle without its cookie opens nothing (AR-28)', async () => {
    const [mine, theirs] = [await createSession(application, newUser()), await createSession(application, newUser())];
    const [browser, other] = [application.newBrowser(), application.newBrowser()];
    const opened = await openSession(browser, mine).expect(303);
    await openSession(other, theirs).expect(303);
    const secret = /=([A-Za-z0-9_-]{43});/.exec(String(opened.headers['set-cookie']))?.[1];
    const { handle } = theirs;

    await browser.get(theirs.page).expect(403);
    await browser.get(theirs.page).set('cookie', `cufflink-session-${handle}=${secret}`).expect(403);
    for (const session of [handle, '', 'x', '\u0000', '__proto__', `${handle}x`, undefined]) {
      await browser.post('/connect/start').type('form').send({ session, provider: 'whoop' }).expect(403);
    }
    expect(await usersOfLinks(mine, theirs)).toEqual([]);
  });
});

/** One cookie for the host: the session that was opened last takes the place of the others. */
class OneSessionCookie extends LinkCookies {
  override write(...[reply, purpose, secret]: Parameters<LinkCookies['write']>): void {
    super.write(reply, forAll(purpose), secret);
  }

  override read(...[request_, purpose]: Parameters<LinkCookies['read']>): string | undefined {
    return super.read(request_, forAll(purpose));
  }
}

function forAll(purpose: string): string {
  return purpose.startsWith('session-') ? 'session' : purpose;
}

/** Finds the session by the cookie alone. */
class SessionsByCookie extends LinkSessionStore {
  override async findBound(_tokenHash: Buffer, browserHash: Buffer): Promise<StoredLinkSession | undefined> {
    const [row] = await queryDatabase<{ tokenHash: Buffer }>(
      application.databaseUrl,
      'SELECT token_hash AS "tokenHash" FROM link_sessions WHERE browser_hash = $1',
      [browserHash],
    );
    return row === undefined ? undefined : super.findBound(row.tokenHash, browserHash);
  }
}

describe('the outcome of a link on the hosted page', () => {
  it.each([
    ['status=success&provider=oura', 'before anything was linked'],
    ['status=error&provider=oura&error=AUTHORIZATION_DENIED', 'of a denial that was none'],
    ['status=success&provider=oura&connection_id=0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69', 'with a connection'],
  ])('is nothing for a URL that somebody made up: %s, %s (AR-28)', async (query) => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);

    const page = await browser.get(`${session.page}&${query}`).expect(200);

    expect(page.text).not.toContain('role="status"');
    expect(page.text).not.toMatch(/Oura (is|could)/);
  });

  it.each([
    ['approve', 'Oura is connected'],
    ['deny', 'Oura is not connected'],
  ] as const)('is how it ended, once (%s, AR-28)', async (decision, notice) => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);
    const started = await press(browser, await browser.get(session.page), 'oura').expect(303);
    expect((await browser.get(session.page)).text).not.toContain('role="status"');
    const back = await comeBack(browser, started, { decision });
    expect(back).toBe(session.page);

    await browser.head(back).expect(200);
    await browser.get(back).set('sec-purpose', 'prefetch').expect(200);
    const told = (await browser.get(back).expect(200)).text;
    expect(told).toMatch(new RegExp(`role="status"[^>]*>\\s*<h2>${notice}</h2>`));
    expect(told.includes('You declined to share your data.')).toBe(decision === 'deny');
    expect((await browser.get(back).expect(200)).text).not.toContain('role="status"');
  });

  it('is nothing in a browser that has the session, but did not start the link (AR-28)', async () => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    const opened = await openSession(browser, session).expect(303);
    const started = await press(browser, await browser.get(session.page), 'oura').expect(303);
    await comeBack(browser, started);
    const sessionCookie = String(opened.headers['set-cookie']).split(';')[0];
    const linkCookie = String(started.headers['set-cookie']).split('=')[0];

    for (const value of ['', 'x', 'A'.repeat(43)]) {
      const page = await application
        .newBrowser()
        .get(session.page)
        .set('cookie', `${sessionCookie}; ${linkCookie}=${value}`)
        .expect(200);
      expect(page.text).not.toContain('role="status"');
    }
  });
});

describe('the buttons of the hosted page', () => {
  it('count for the user of the session, and so does the API for the same user (AR-28, AR-25)', async () => {
    const limited = await startReplica(application, {
      environment: { PUBLIC_URL: ours, RATE_LIMIT_USER_PER_MINUTE: '10' },
    });
    try {
      const [session, other] = [
        await createSession(application, newUser()),
        await createSession(application, newUser()),
      ];
      const browser = limited.newBrowser();
      await openSession(browser, session).expect(303);
      await openSession(browser, other).expect(303);
      const page = await browser.get(session.page).expect(200);
      const before = application.sandbox.provider('garmin-oauth1').history.length;

      const statuses = [];
      for (let at = 0; at < 200; at += 1) {
        statuses.push((await press(browser, page, 'garmin-oauth1')).status);
      }

      expect(statuses).toEqual([...Array<number>(10).fill(303), ...Array<number>(190).fill(429)]);
      expect(application.sandbox.provider('garmin-oauth1').history).toHaveLength(before + 10);
      await limited.api.post(`/v1/users/${session.user}/connections/whoop/link`).send({}).expect(429);
      // Nobody else is held up.
      await press(browser, await browser.get(other.page), 'whoop').expect(303);
    } finally {
      await limited.close();
    }
  });

  it('with the defense off (no limit for a user) ask the provider two hundred times (AR-28, AR-25)', async () => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);
    const page = await browser.get(session.page).expect(200);
    const before = application.sandbox.provider('garmin-oauth1').history.length;

    for (let at = 0; at < 200; at += 1) {
      await press(browser, page, 'garmin-oauth1').expect(303);
    }

    expect(application.sandbox.provider('garmin-oauth1').history).toHaveLength(before + 200);
  });
});
