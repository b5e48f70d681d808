import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { registrationId } from '../../src/provider-kit/registration.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { findAxeViolations } from '../support/axe.js';
import { TestChromium } from '../support/chromium.js';
import { HttpsFront } from '../support/https-front.js';
import { linkAccount, newUser, startLink } from '../support/linking.js';
import { findFlaws } from '../support/page-looks.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const ours = 'https://link.example.com';
const returnUrl = 'https://app.example.org/devices';
const unpackingMs = 300_000;
const largestPageBytes = 20_000;
const everything = null;
const few = ['whoop', 'oura', 'polar', 'fatsecret'];
const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><circle cx="16" cy="16" r="14" fill="#0f766e"/></svg>';

/**
 * Chromium, the application in the dress of a company, and the fake providers, each on a site of its own over https.
 */
describe('the pages for people', () => {
  let application: TestApplication;
  let front: HttpsFront;
  let chromium: TestChromium;
  let directory: string;
  let context: BrowserContext;
  let languages = 'en';

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-logo-'));
    await writeFile(join(directory, 'logo.svg'), logo);
    application = await startApplication({
      environment: {
        PUBLIC_URL: ours,
        RETURN_URLS: returnUrl,
        ACCOUNT_SHARING: 'deny',
        COMPANY_NAME: 'Stride & Co',
        COMPANY_URL: 'https://app.example.org/',
        COMPANY_COLOR: '#ffb703',
        COMPANY_LOGO_FILE: join(directory, 'logo.svg'),
      },
    });
    const upstreams = {
      'link.example.com': await application.app.getUrl(),
      'provider.example.net': application.sandbox.url,
    };
    front = await HttpsFront.start(upstreams, new Map());
    chromium = await TestChromium.start(front.port);
  }, unpackingMs);
  afterEach(async () => {
    await context.close();
    application.sandbox.provider('fatsecret').behave();
    languages = 'en';
  });
  afterAll(async () => {
    await chromium.stop();
    await front.stop();
    await application.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function newPage(): Promise<Page> {
    context = await chromium.browser.newContext({ ignoreHTTPSErrors: true, locale: languages });
    return context.newPage();
  }

  async function connectUrl(user: string, body: object = {}): Promise<string> {
    const made = await application.api.post('/v1/link-sessions').send({ user_id: user, ...body });
    expect(made.status).toBe(201);
    return (made.body as { connect_url: string }).connect_url;
  }

  /** Opens the page of a session for a few providers. */
  async function openSession(user: string, providers: readonly string[] | null = few): Promise<Page> {
    const page = await newPage();
    await page.goto(await connectUrl(user, { providers }));
    await page.locator('main button').click();
    await page.waitForURL(`${ours}/connect?session=*`);
    return page;
  }

  /** Presses the button of a device and decides at the provider. */
  async function choose(page: Page, name: string, { account = '', decision = 'Approve' } = {}): Promise<void> {
    await page.getByRole('button', { name }).click();
    if (account !== '') {
      await page.locator('input[name=account]').fill(account);
    }
    await page.getByRole('button', { name: decision }).click();
    await page.waitForURL(`${ours}/connect?session=*`);
  }

  async function expectFlawless(page: Page, name: string): Promise<void> {
    expect(await findFlaws(page, name)).toEqual([]);
    expect(Buffer.byteLength(await page.content())).toBeLessThan(largestPageBytes);
  }

  it('open a session, list the devices, and lead back, in the dress of the company', async () => {
    const page = await newPage();
    await page.goto(await connectUrl(newUser(), { return_url: returnUrl }));
    await expectFlawless(page, 'opening');
    const styleOf = (selector: string, property: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).${property}`);
    // The yellow of the company: as it is in buttons, shaded as far as it can be read in texts.
    await page.emulateMedia({ colorScheme: 'light' });
    expect(await styleOf('main button', 'backgroundColor')).toBe('rgb(255, 183, 3)');
    const [red, green, blue] = ((await styleOf('footer a', 'color')).match(/\d+/g) ?? []).map(Number);
    expect({ red, green, blue }).toEqual({ red: 140, green: 101, blue: 2 });
    expect(await page.evaluate('document.querySelector("header img").naturalWidth')).toBe(32);
    await page.getByRole('button', { name: 'Continue' }).click();
    await expectFlawless(page, 'choice');
    await page.getByRole('link', { name: 'Back to Stride & Co' }).click();
    await page.waitForURL(returnUrl);
    const hosts = new Set(front.requests.map(({ url }) => new URL(url).host));
    expect([...hosts].sort()).toEqual(['app.example.org', 'link.example.com']);
  });

  it('show the own devices first, with state and outage, and lead to a reconnection', async () => {
    const user = newUser();
    await linkAccount(application, user, 'whoop', { account: '81001' });
    await linkAccount(application, user, 'oura', { account: '81002' });
    await changeRows(
      application.databaseUrl,
      'connections',
      { status: 'needs_relink', end_reason: 'grant_refused' },
      { user_id: user, provider: 'oura' },
    );
    await openCircuit('polar');
    const page = await openSession(user);
    await expectFlawless(page, 'own-devices');

    const own = page.locator('ul.devices').first().locator('li');
    expect(await own.locator('strong').allInnerTexts()).toEqual(['Oura', 'WHOOP']);
    const cards = await own.allInnerTexts();
    expect(cards[0]).toContain('No longer connected.');
    expect(cards[1]).toContain('Connected');
    const others = page.locator('ul.grid');
    expect(await others.getByRole('button', { name: 'WHOOP' }).count()).toBe(0);
    expect(await others.getByRole('button', { name: 'Polar' }).first().innerText()).toContain(
      'The service has problems',
    );
    await choose(page, 'Connect again: Oura', { account: '81002' });
    await page.getByRole('heading', { name: 'Oura is connected' }).waitFor();
    await expectFlawless(page, 'reconnected');
  });

  it('disconnect a device after a question, and say so once', async () => {
    const user = newUser();
    await linkAccount(application, user, 'whoop', { account: '82001' });
    const page = await openSession(user);
    await page.getByRole('link', { name: 'Disconnect: WHOOP' }).click();
    await expectFlawless(page, 'disconnect-question');
    await page.getByRole('link', { name: 'Keep it connected' }).click();
    await page.getByRole('link', { name: 'Disconnect: WHOOP' }).click();
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'WHOOP is disconnected' }).waitFor();
    await expectFlawless(page, 'disconnected');

    await application.api.get(`/v1/users/${user}/connections/whoop`).expect(404);
    await page.reload();
    expect(await page.getByRole('heading', { name: 'WHOOP is disconnected' }).count()).toBe(0);
  });

  it('show each outcome of a link in its own words', async () => {
    const [user, other] = [newUser(), newUser()];
    await linkAccount(application, other, 'whoop', { account: '83001' });
    const page = await openSession(user);

    await choose(page, 'WHOOP', { decision: 'Deny' });
    await page.getByText('You declined to share your data.').waitFor();
    await expectFlawless(page, 'denied');
    await choose(page, 'WHOOP', { account: '83001' });
    await page.getByText('Another user of the application has already connected this account.').waitFor();
    await expectFlawless(page, 'already-linked');
    application.sandbox.provider('fatsecret').misbehave({ endpoint: 'request_token', type: 'status', code: 503 });
    await page.getByRole('button', { name: 'FatSecret' }).click();
    await page.getByText('The provider does not respond as it should').waitFor();
    await expectFlawless(page, 'outage');
    await choose(page, 'WHOOP', { account: '83002' });
    await page.getByRole('heading', { name: 'WHOOP is connected' }).waitFor();
    await expectFlawless(page, 'connected');
    expect(await page.title()).toBe('WHOOP is connected · Stride & Co');
  });

  it('find a device by its name, and say when there is none', async () => {
    const page = await openSession(newUser(), everything);
    await page.getByRole('searchbox').fill('gARm');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'Show all devices' }).waitFor();
    const found = await page.locator('ul.grid button span').allInnerTexts();
    expect(found).toContain('Garmin Connect');
    expect(found.filter((name) => !name.startsWith('Garmin'))).toEqual([]);
    await expectFlawless(page, 'search');
    await page.getByRole('searchbox').fill('<b>"&');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('No device is called “<b>"&”.').waitFor();
    await expectFlawless(page, 'nothing-found');
  });

  it('say that nothing can be connected, where the only provider has ended since', async () => {
    const page = await newPage();
    // The last day of this provider is 2026-12-31.
    const url = await on('2026-06-01', () => connectUrl(newUser(), { providers: ['garmin-oauth1'] }));
    await on('2027-02-01', async () => {
      await page.goto(url);
      await page.locator('main button').click();
      await page.getByText('No device can be connected here at the moment.').waitFor();
      await expectFlawless(page, 'empty');
    });
  });

  it('go straight to the provider of a session for one, and back', async () => {
    const page = await newPage();
    await page.goto(await connectUrl(newUser(), { providers: ['whoop'] }));
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(new URL(page.url()).host).toBe('provider.example.net');
    await page.locator('input[name=account]').fill('84001');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'WHOOP is connected' }).waitFor();
    await expectFlawless(page, 'one-provider');
    expect(await page.locator('ul.devices li').count()).toBe(1);
  });

  it('end a link without a return URL, and wrong turns', async () => {
    const page = await newPage();
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop');
    await page.goto(linkWebUrl.replace(application.sandbox.url, 'https://provider.example.net'));
    await page.locator('input[name=account]').fill('85001');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'WHOOP is connected' }).waitFor();
    await expectFlawless(page, 'callback-connected');
    await page.reload();
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    await expectFlawless(page, 'callback-used');
    await page.goto(`${ours}/connect`);
    await page.getByText('ask for a new link').waitFor();
    await expectFlawless(page, 'session-ended');
    await page.goto(`${ours}/connect/nothing`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await expectFlawless(page, 'not-found');
  });

  it.each(['en', 'de', 'fr', 'es', 'ja'])('speak the language of the reader: %s', async (language) => {
    languages = language;
    const user = newUser();
    await linkAccount(application, user, 'oura', { account: `860${language.charCodeAt(0)}${language.charCodeAt(1)}` });
    const page = await openSession(user);
    expect(await page.locator('html').getAttribute('lang')).toBe(language);
    await expectFlawless(page, `language-${language}`);
  });

  it('are usable with the keyboard alone, from the message of the page on', async () => {
    const page = await newPage();
    await page.goto(await connectUrl(newUser()));
    await tabTo(page, 'Continue');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${ours}/connect?session=*`);
    await tabTo(page, 'WHOOP');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await page.locator('input[name=account]').fill('87001');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: 'WHOOP is connected' }).waitFor();
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).toBe('status');
    await tabTo(page, 'Disconnect: WHOOP');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${ours}/connect/disconnect?*`);
    await tabTo(page, 'Disconnect');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'WHOOP is disconnected' }).waitFor();
    await tabTo(page, 'Back to Stride & Co');
    await page.keyboard.press('Enter');
    await page.waitForURL('https://app.example.org/');
  });

  it('are usable without their style', async () => {
    const page = await openSession(newUser());
    await page.evaluate('document.querySelectorAll("style").forEach((style) => style.remove())');
    expect(await findAxeViolations(page)).toEqual([]);
    if (process.env['SCREENSHOTS'] === 'on') {
      await page.setViewportSize({ width: 390, height: 800 });
      await page.screenshot({ path: new URL('../../.screenshots/without-style.png', import.meta.url).pathname });
    }
    await choose(page, 'WHOOP', { account: '88001' });
    await page.getByRole('heading', { name: 'WHOOP is connected' }).waitFor();
  });

  /** Does something on another day. */
  async function on<Result>(day: string, act: () => Promise<Result>): Promise<Result> {
    const aheadMs = Date.parse(day) - application.clock.now().getTime();
    application.clock.advance(aheadMs);
    try {
      return await act();
    } finally {
      application.clock.advance(-aheadMs);
    }
  }

  /** Presses Tab until an element with this name has the focus. */
  async function tabTo(page: Page, name: string): Promise<void> {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate<string>(
        `(({ ariaLabel, textContent }, name) => (ariaLabel ?? name?.textContent ?? textContent).trim())(
          document.activeElement, document.activeElement.querySelector('span'))`,
      );
      if (focused === name) {
        return;
      }
    }
    throw new Error(`The keyboard does not reach "${name}".`);
  }

  /** Opens the circuit breaker of a provider for an hour. */
  async function openCircuit(slug: string): Promise<void> {
    const id = registrationId(application.app.get(ProviderRegistry, { strict: false }).get(slug));
    await queryDatabase(
      application.databaseUrl,
      `INSERT INTO circuit_breakers (registration_id, open_until, reason, openings, streak, window_started_at, decisions,
         suspects, version)
       VALUES ($1, now() + interval '1 hour', 'PROVIDER_UNAVAILABLE', 1, 10, now(), 0, 0, 1)`,
      [id],
    );
  }
});
