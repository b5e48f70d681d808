import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { startApplication, type TestApplication } from '../support/application.js';
import { TestChromium } from '../support/chromium.js';
import { HttpsFront } from '../support/https-front.js';
import { rewriteLink } from '../support/link-rows.js';
import { startLink } from '../support/linking.js';
import { rowsOf } from '../support/rows.js';
import { isConnected } from '../support/connection-bodies.js';
import { redemptions } from '../support/fake-providers.js';

const ours = 'https://link.example.com';
const returnUrl = 'https://app.example.org/devices';
const evil = 'https://evil.example';
const unpackingMs = 300_000;
const pageOfSession = /^https:\/\/link\.example\.com\/connect\?session=[A-Za-z0-9_-]{43}$/;

/** Chromium, the application, the providers and two further sites, each on a site of its own and over https. */
describe('the hosted page in Chromium', () => {
  const pages = new Map<string, string>();
  let application: TestApplication;
  let front: HttpsFront;
  let chromium: TestChromium;
  let contexts: BrowserContext[] = [];
  let users = 0;

  beforeAll(async () => {
    application = await startApplication({ environment: { PUBLIC_URL: ours, RETURN_URLS: returnUrl } });
    const upstreams = {
      'link.example.com': await application.app.getUrl(),
      'provider.example.net': application.sandbox.url,
    };
    front = await HttpsFront.start(upstreams, pages);
    chromium = await TestChromium.start(front.port);
  }, unpackingMs);
  afterAll(async () => {
    await chromium.stop();
    await front.stop();
    await application.close();
  });
  beforeEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
    front.requests.length = 0;
  });

  async function newContext(): Promise<BrowserContext> {
    const context = await chromium.browser.newContext({ ignoreHTTPSErrors: true });
    contexts.push(context);
    return context;
  }

  function newUser(): string {
    users += 1;
    return `user-${users}`;
  }

  async function connectUrl(user: string, body: object = {}): Promise<string> {
    const response = await application.api.post('/v1/link-sessions').send({ user_id: user, ...body });
    return (response.body as { connect_url: string }).connect_url;
  }

  /** Opens the page and presses "Continue". */
  async function openSession(context: BrowserContext, user: string, body: object = {}): Promise<Page> {
    const page = await context.newPage();
    await page.goto(await connectUrl(user, body));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(pageOfSession);
    return page;
  }

  async function historyOf(page: Page): Promise<string[]> {
    const session = await page.context().newCDPSession(page);
    const { entries } = await session.send('Page.getNavigationHistory');
    return entries.map(({ url }) => url);
  }

  async function outcomes(user: string): Promise<(string | null)[]> {
    const rows = await rowsOf<{ outcome: string | null }>(
      application.databaseUrl,
      'links',
      { user_id: user },
      'created_at',
    );
    return rows.map(({ outcome }) => outcome);
  }

  it('links a provider, with cookies that no page and no other host can read (AR-03, AR-05)', async () => {
    const user = newUser();
    const context = await newContext();
    const page = await openSession(context, user);
    expect(page.url()).not.toContain('link_token');
    const handle = new URL(page.url()).searchParams.get('session');
    await page.getByRole('button', { name: 'WHOOP' }).click();
    expect(new URL(page.url()).origin).toBe('https://provider.example.net');
    const cookies = await context.cookies(ours);
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('WHOOP is connected').waitFor();

    expect(cookies.map(({ name }) => name.replace(/[0-9a-f-]{36}$/, '<id>')).sort()).toEqual([
      '__Host-cufflink-<id>',
      `__Host-cufflink-session-${handle}`,
    ]);
    for (const cookie of cookies) {
      expect(cookie).toMatchObject({
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
        path: '/',
        domain: 'link.example.com',
      });
    }
    expect((await context.cookies(ours)).map(({ name }) => name)).toEqual([`__Host-cufflink-session-${handle}`]);
    expect(page.url()).toMatch(pageOfSession);
    expect(await isConnected(application, user, 'whoop')).toBe(true);
  });

  it('leaves the code in no history entry and in no Referer (AR-15)', async () => {
    const user = newUser();
    const context = await newContext();
    const page = await openSession(context, user, { return_url: returnUrl });
    await page.getByRole('button', { name: 'WHOOP' }).click();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.waitForURL(`${returnUrl}?**`);

    const history = await historyOf(page);
    const callbacks = front.requests.filter(({ url }) => url.includes('/callback?'));
    expect(callbacks).toHaveLength(1);
    const code = new URL(String(callbacks[0]?.url)).searchParams.get('code');
    expect(code?.length).toBeGreaterThan(10);
    expect(history.length).toBeGreaterThan(2);
    expect(history.at(-1)).toMatch(/^https:\/\/app\.example\.org\/devices\?status=success&/);
    expect(history.filter((url) => url.includes('code=') || url.includes(String(code)))).toEqual([]);
    const referers = front.requests.flatMap(({ referer }) => referer ?? []);
    expect(referers.filter((referer) => /code|link_token|state|handle/.test(referer))).toEqual([]);
  });

  it('with the defense off (no clean URL to go to) leaves the code in the history (AR-15)', async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop');
    const page = await (await newContext()).newPage();
    await page.goto(linkWebUrl.replace(application.sandbox.url, 'https://provider.example.net'));
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('WHOOP is connected').waitFor();

    expect((await historyOf(page)).filter((url) => url.includes('code='))).toHaveLength(1);
  });

  it('links a provider of another site that responds with a form, with the Lax cookie (AR-16)', async () => {
    const user = newUser();
    const page = await openSession(await newContext(), user, { return_url: returnUrl });
    await page.getByRole('button', { name: 'Apple Health' }).click();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${returnUrl}?**`);

    expect(page.url()).toContain('status=success');
    expect(await isConnected(application, user, 'apple-health')).toBe(true);
    const [posted] = front.requests.filter(({ url, method }) => url.endsWith('/callback') && method === 'POST');
    const [resumed] = front.requests.filter(({ url }) => url.includes('/resume?'));
    // The browser itself held the cookie back from the other site's form, and showed it afterwards.
    expect(posted?.cookie).toBeUndefined();
    expect(resumed?.cookie).toMatch(/__Host-cufflink-[0-9a-f-]{36}=/);
  });

  it('refuses a callback in another browser, and redeems nothing (AR-03)', async () => {
    const attacker = newUser();
    const before = redemptions(application, 'whoop');
    const mine = await openSession(await newContext(), attacker);
    await mine.getByRole('button', { name: 'WHOOP' }).click();
    const victim = await (await newContext()).newPage();
    await victim.goto(mine.url());
    const [response] = await Promise.all([
      victim.waitForResponse((response) => response.url().includes('/callback?')),
      victim.getByRole('button', { name: 'Approve' }).click(),
    ]);

    expect(response.status()).toBe(303);
    await victim.getByText('opened in another browser').waitFor();
    expect(redemptions(application, 'whoop')).toBe(before);
    expect(await outcomes(attacker)).toEqual(['rejected_binding']);
    expect(await isConnected(application, attacker, 'whoop')).toBe(false);
  });

  it('with the defense off (no binding) connects a callback in another browser (AR-03)', async () => {
    const attacker = newUser();
    const mine = await openSession(await newContext(), attacker);
    await mine.getByRole('button', { name: 'WHOOP' }).click();
    await rewriteLink(application, new URL(mine.url()).searchParams.get('state') ?? '', 'browser_hash = NULL');
    const victim = await (await newContext()).newPage();
    await victim.goto(mine.url());
    await victim.getByRole('button', { name: 'Approve' }).click();
    await victim.waitForURL(pageOfSession);

    expect(await isConnected(application, attacker, 'whoop')).toBe(true);
  });

  it('opens in one browser (AR-05)', async () => {
    const user = newUser();
    const url = await connectUrl(user);
    const mine = await (await newContext()).newPage();
    const other = await (await newContext()).newPage();
    await mine.goto(url);
    await mine.getByRole('button', { name: 'Continue' }).click();
    await mine.waitForURL(pageOfSession);

    expect((await other.goto(url))?.status()).toBe(403);
    expect(await other.getByRole('button').count()).toBe(0);
    expect((await mine.goto(url))?.url()).toMatch(pageOfSession);
  });

  it('starts nothing for the form of another site, and is not framed by it (AR-03)', async () => {
    const user = newUser();
    const context = await newContext();
    await openSession(context, user);
    pages.set(
      new URL(evil).host,
      `<iframe src="${ours}/connect"></iframe>
       <form method="post" action="${ours}/connect/start"><button name="provider" value="whoop">Free prize</button></form>`,
    );
    const page = await context.newPage();
    await page.goto(evil);
    const framed = await page.frames()[1]?.content();
    const [response] = await Promise.all([
      page.waitForResponse(`${ours}/connect/start`),
      page.getByRole('button', { name: 'Free prize' }).click(),
    ]);

    expect(response.status()).toBe(403);
    expect(framed).not.toContain('Connect a device');
    expect(await outcomes(user)).toEqual([]);
    const [posted] = front.requests.filter(({ method, url }) => method === 'POST' && url.endsWith('/connect/start'));
    expect(posted?.cookie).toBeUndefined();
  });

  it('sends our origin with our forms, no path to anybody, and nothing to the provider (AR-28)', async () => {
    const page = await openSession(await newContext(), newUser());
    await page.getByRole('button', { name: 'WHOOP' }).click();
    await page.waitForURL('https://provider.example.net/**');

    const posted = front.requests.filter(({ method }) => method === 'POST');
    expect(posted.map(({ url, origin }) => ({ url, origin }))).toEqual([
      { url: `${ours}/connect`, origin: ours },
      { url: `${ours}/connect/start`, origin: ours },
    ]);
    const referers = new Set(front.requests.map(({ referer }) => referer));
    expect([...referers].filter((referer) => referer !== undefined && referer !== `${ours}/`)).toEqual([]);
    const atProvider = front.requests.filter(({ url }) => url.startsWith('https://provider.example.net/'));
    expect(atProvider.length).toBeGreaterThan(0);
    expect(atProvider.flatMap(({ referer, origin }) => [referer, origin])).toEqual(
      Array<undefined>(2 * atProvider.length).fill(undefined),
    );
  });

  it('opens nothing for the form of another site (AR-28)', async () => {
    const token = new URL(await connectUrl(newUser())).searchParams.get('link_token');
    pages.set(
      new URL(evil).host,
      `<form method="post" action="${ours}/connect"><input name="link_token" value="${token}"><button>Free prize</button></form>`,
    );
    const context = await newContext();
    const page = await context.newPage();
    await page.goto(evil);
    const [response] = await Promise.all([
      page.waitForResponse(`${ours}/connect`),
      page.getByRole('button', { name: 'Free prize' }).click(),
    ]);

    expect(response.status()).toBe(403);
    expect(await context.cookies(ours)).toEqual([]);
    expect(front.requests.find(({ method }) => method === 'POST')?.origin).toBe(evil);
  });

  it('keeps two sessions in two tabs apart, and shows each the outcome of its own link (AR-28)', async () => {
    const [first, second] = [newUser(), newUser()];
    const context = await newContext();
    const tabs = [await openSession(context, first), await openSession(context, second)] as const;
    for (const [tab, name] of [
      [tabs[0], 'WHOOP'],
      [tabs[1], 'Oura'],
    ] as const) {
      await tab.getByRole('button', { name }).click();
      await tab.getByRole('button', { name: 'Approve' }).click();
      await tab.getByText(`${name} is connected`).waitFor();
    }

    expect(await isConnected(application, first, 'whoop')).toBe(true);
    expect(await isConnected(application, second, 'oura')).toBe(true);
    expect(await isConnected(application, second, 'whoop')).toBe(false);
    await tabs[0].reload();
    expect(await tabs[0].getByText('is connected').count()).toBe(0);
    await tabs[0].goto(`${tabs[1].url()}&status=success&provider=whoop`);
    expect(await tabs[0].getByText('is connected').count()).toBe(0);
  });

  it('refuses the form of a third site (AR-16)', async () => {
    const user = newUser();
    const context = await newContext();
    const page = await openSession(context, user);
    await page.getByRole('button', { name: 'Apple Health' }).click();
    const before = redemptions(application, 'apple-health');
    pages.set(
      new URL(evil).host,
      `<form method="post" action="${ours}/v1/oauth/apple-health/callback"><input name="state" value="forged">
       <input name="code" value="stolen"><button>Free prize</button></form>`,
    );
    const other = await context.newPage();
    await other.goto(evil);
    const [response] = await Promise.all([
      other.waitForResponse((response) => response.url().endsWith('/callback')),
      other.getByRole('button', { name: 'Free prize' }).click(),
    ]);

    expect(response.status()).toBe(403);
    expect(redemptions(application, 'apple-health')).toBe(before);
    expect(await outcomes(user)).toEqual([null]);
  });
});
