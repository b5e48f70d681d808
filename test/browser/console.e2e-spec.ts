import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { ConsoleSessionStore } from '../../src/console/console-session-store.js';
import { EventPublisher } from '../../src/events/event-publisher.js';
import { FleetCounts } from '../../src/fleet/fleet-counts.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { WebhookEndpointsService } from '../../src/webhooks/webhook-endpoints.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { TestChromium } from '../support/chromium.js';
import { HttpsFront } from '../support/https-front.js';
import { linkAccount } from '../support/linking.js';
import { findFlaws } from '../support/page-looks.js';
import { countRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const ours = 'https://link.example.com';
const evil = 'https://evil.example';
/** Machines that run tests are slow at times. */
const unpackingMs = 400_000;
const looksMs = 600_000;

describe('the console in Chromium', () => {
  const pages = new Map<string, string>();
  let application: TestApplication;
  let front: HttpsFront;
  let chromium: TestChromium;
  let contexts: BrowserContext[] = [];
  let apiKeys: ApiKeysService;
  let operatorKey: string;
  let eventId: string;

  beforeAll(async () => {
    application = await startApplication({ environment: { PUBLIC_URL: ours } });
    front = await HttpsFront.start({ 'link.example.com': await application.app.getUrl() }, pages);
    chromium = await TestChromium.start(front.port);
    apiKeys = application.app.get(ApiKeysService);
    operatorKey = await apiKeys.create('operator', ['console', 'webhooks:write']);
    await fill();
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

  /** Connections in every state, two hours of history, and a delivery that has failed. */
  async function fill(): Promise<void> {
    await linkAccount(application, 'user-1', 'whoop');
    await application.api.post('/v1/users/user-1/connections/whoop/refresh').expect(200);
    const { databaseUrl } = application;
    await queryDatabase(
      databaseUrl,
      `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, scopes_requested, refreshable, end_reason,
         ended_at, failed_attempts, last_error_code, last_error_at, refresh_due_at)
       SELECT 'somebody-with-a-long-name-' || n, (ARRAY['whoop', 'oura', 'garmin-oauth1'])[1 + n % 3], gen_random_uuid(), 'test',
         CASE WHEN n % 5 = 0 THEN 'needs_relink' ELSE 'active' END, 1, '{}', true, CASE WHEN n % 5 = 0 THEN 'grant_refused' END,
         CASE WHEN n % 5 = 0 THEN now() END, n % 2, CASE WHEN n % 2 = 1 THEN 'PROVIDER_UNAVAILABLE' END,
         CASE WHEN n % 2 = 1 THEN now() END, now() + (n - 20) * interval '30 seconds'
       FROM generate_series(1, 130) AS n`,
    );
    await application.app.get(FleetCounts).sweep();
    await queryDatabase(
      databaseUrl,
      `INSERT INTO connection_counts SELECT hour - n * interval '1 hour', counted_at - n * interval '1 hour',
         jsonb_build_array(jsonb_build_object('provider', 'whoop', 'status', 'active', 'reason', NULL, 'connections', 100 - n),
           jsonb_build_object('provider', 'oura', 'status', 'needs_relink', 'reason', 'grant_refused', 'connections', 20 + n % 5))
       FROM connection_counts, generate_series(1, 100) AS n`,
    );
    const target = { url: 'https://hooks.example.com/cufflink', eventTypes: [], providers: null };
    const { endpoint } = await application.app
      .get(WebhookEndpointsService, { strict: false })
      .create(target, { actor: 'cli' });
    await application.app.get(EventPublisher, { strict: false }).publish();
    const [event] = await queryDatabase<{ id: string }>(
      databaseUrl,
      `INSERT INTO webhook_attempts (endpoint_id, event_id, event_type, attempt, duration_ms, outcome, http_status)
       SELECT $1, id, type, 9, 120, 'failed', 500 FROM events LIMIT 1 RETURNING event_id AS id`,
      [endpoint.id],
    );
    eventId = event?.id ?? '';
  }

  async function newPage(): Promise<Page> {
    const context = await chromium.browser.newContext({ ignoreHTTPSErrors: true });
    contexts.push(context);
    return context.newPage();
  }

  async function signIn(key = operatorKey): Promise<Page> {
    const page = await newPage();
    await page.goto(`${ours}/console`);
    await page.getByLabel('API key with the scope').fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    return page;
  }

  function countResends(): Promise<number> {
    return countRows(application.databaseUrl, 'audit_entries', { action: 'console.delivery_resent' });
  }

  it('signs an operator in with a key, which the browser does not keep, for an hour', async () => {
    const page = await signIn();
    const cookies = await page.context().cookies(ours);
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatchObject({
      name: '__Host-cufflink-console',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
      path: '/',
      domain: 'link.example.com',
    });
    const livesSeconds = Number(cookies[0]?.expires) - Date.now() / 1_000;
    expect(livesSeconds).toBeGreaterThan(3_400);
    expect(livesSeconds).toBeLessThanOrEqual(3_601);
    expect(JSON.stringify(cookies)).not.toContain(operatorKey.slice(-20));
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it.each([
    ['that does not exist', () => Promise.resolve(`cuff_${'0'.repeat(18)}_${'a'.repeat(43)}`), 'not valid'],
    ['without the scope', () => apiKeys.create('other', ['fleet:read', 'admin']), 'lacks the scope'],
    [
      'that is limited to providers',
      () => apiKeys.create('limited', ['console'], { providers: ['whoop'] }),
      'not allowed',
    ],
    ['that has expired', () => apiKeys.create('expired', ['console'], { lifetimeMs: 0 }), 'not valid'],
  ])('refuses a key %s, and says why', async (_which, makeKey, text) => {
    const page = await newPage();
    await page.goto(`${ours}/console/sign-in`);
    await page.getByLabel('API key with the scope').fill(await makeKey());
    await page.getByRole('button', { name: 'Sign in' }).click();
    expect(await page.getByRole('alert').textContent()).toContain(text);
    expect(await page.context().cookies(ours)).toEqual([]);
    expect((await page.goto(`${ours}/console/system`))?.url()).toBe(`${ours}/console/sign-in`);
  });

  it('ends a session with its key, and by signing out, even if the browser keeps the cookie', async () => {
    const key = await apiKeys.create('short', ['console']);
    const [revoked, left] = [await signIn(key), await signIn()];
    const kept = await left.context().cookies(ours);
    await apiKeys.revoke(String(key.split('_')[1]));
    await left.getByRole('button', { name: 'Sign out' }).click();
    await left.waitForURL(`${ours}/console/sign-in`);
    expect(await left.context().cookies(ours)).toEqual([]);
    await left.context().addCookies(kept);
    for (const page of [revoked, left]) {
      expect((await page.goto(`${ours}/console`))?.url()).toBe(`${ours}/console/sign-in`);
    }
  });

  it.each([
    ['an hour ago', -3_600_000, `${ours}/console/sign-in`],
    ['in an hour', 3_600_000, `${ours}/console`],
  ])('opens a session that expires %s, or not', async (_when, fromNowMs, arrived) => {
    const expiresAt = new Date(Date.now() + fromNowMs);
    const secret = randomBytes(32).toString('base64url');
    const secretHash = createHash('sha256').update(secret).digest();
    const keyId = String(operatorKey.split('_')[1]);
    const row = ['console session', secretHash, keyId, expiresAt];
    const mac = application.app.get(VaultService, { strict: false }).signRow('api_keys.mac', row);
    await application.app
      .get(ConsoleSessionStore, { strict: false })
      .insert({ secretHash, apiKeyId: keyId, expiresAt, mac });
    const page = await newPage();
    await page.context().addCookies([{ name: '__Host-cufflink-console', value: secret, url: ours, secure: true }]);
    expect((await page.goto(`${ours}/console`))?.url()).toBe(arrived);
  });

  it('opens no session that somebody has written to the database, nor one that was changed there (AR-27)', async () => {
    const page = await signIn();
    await queryDatabase(
      application.databaseUrl,
      `UPDATE console_sessions SET expires_at = expires_at + interval '1 year'`,
    );
    expect((await page.goto(`${ours}/console`))?.url()).toBe(`${ours}/console/sign-in`);
  });

  it(
    'shows every page in light and dark, on a phone and a desktop, without a finding of axe',
    async () => {
      const page = await newPage();
      await page.goto(`${ours}/console/sign-in`);
      const flaws = await findFlaws(page, 'console-sign-in');
      const operator = await signIn();
      const errors: string[] = [];
      operator.on('console', (message) => errors.push(message.text()));
      for (const [name, path, heading] of [
        ['overview', '/console', 'Overview'],
        ['overview-of-one', '/console?provider=whoop', 'Overview'],
        ['connections', '/console/connections', 'Connections'],
        ['refreshes', '/console/refreshes', 'Refreshes'],
        ['user', '/console/users?user_id=user-1', 'User'],
        ['user-unknown', '/console/users?user_id=nobody', 'User'],
        ['connection', '/console/connection?user_id=user-1&provider=whoop', 'Connection'],
        ['webhooks', '/console/webhooks', 'Webhooks'],
        ['system', '/console/system', 'System'],
        ['problem', '/console/connection?user_id=nobody&provider=whoop', 'Not possible'],
      ] as const) {
        await operator.goto(`${ours}${path}`);
        expect(await operator.getByRole('heading', { level: 1 }).textContent()).toBe(heading);
        flaws.push(...(await findFlaws(operator, `console-${name}`)));
        await operator.setViewportSize({ width: 1280, height: 800 });
      }
      expect(flaws).toEqual([]);
      // Nothing breaks the Content Security Policy; the last page is a 404.
      expect(errors.filter((text) => !text.includes('404'))).toEqual([]);
    },
    looksMs,
  );

  it('shows no token on any page, and no page to anybody else', async () => {
    const token = (await application.api.get('/v1/users/user-1/connections/whoop/token')).body as {
      access_token: string;
    };
    const page = await signIn();
    const stranger = await newPage();
    for (const path of [
      '',
      '/connections',
      '/refreshes',
      '/users?user_id=user-1',
      '/connection?user_id=user-1&provider=whoop',
      '/webhooks',
      '/system',
    ]) {
      await page.goto(`${ours}/console${path}`);
      expect(await page.content()).not.toContain(token.access_token);
      expect((await stranger.goto(`${ours}/console${path}`))?.url()).toBe(`${ours}/console/sign-in`);
    }
  });

  it('is used with the keyboard alone: from the list of ended connections to the history of one', async () => {
    const page = await signIn();
    const tabTo = async (name: string): Promise<void> => {
      for (let steps = 0; steps < 80; steps += 1) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate<string>('document.activeElement.textContent.trim()');
        if (focused === name) {
          await page.keyboard.press('Enter');
          return;
        }
      }
      throw new Error(`The Tab key does not lead to ${name}.`);
    };
    await tabTo('Connections');
    await page.getByRole('heading', { name: 'Connections' }).first().waitFor();
    await tabTo('grant_refused');
    await page.waitForURL('**reason=grant_refused');
    expect(await page.getByRole('region', { name: 'Connections' }).getByRole('row').count()).toBeGreaterThan(20);
    await page.getByRole('searchbox').or(page.getByLabel('User id')).first().fill('user-1');
    await page.keyboard.press('Enter');
    await page.waitForURL('**user_id=user-1');
    await tabTo('whoop');
    await page.getByRole('heading', { name: 'History' }).waitFor();
    expect(await page.getByText('token.refreshed').count()).toBe(1);
  });

  it('leaves an entry of each look at a user', async () => {
    const page = await signIn();
    await page.goto(`${ours}/console/users?user_id=watched`);
    await page.goto(`${ours}/console/connection?user_id=user-1&provider=whoop`);
    expect(await auditEntriesOf(application, 'watched')).toEqual(['console.user_viewed success api-key']);
    expect(await auditEntriesOf(application, 'user-1')).toContain('console.user_viewed success api-key');
  });

  it('pages through more connections than fit on one page', async () => {
    const page = await signIn();
    await page.goto(`${ours}/console/connections?status=active`);
    const users: string[] = [];
    for (;;) {
      users.push(...(await page.getByRole('region', { name: 'Connections' }).locator('tbody th').allTextContents()));
      const next = page.getByRole('link', { name: 'Next page' });
      if ((await next.count()) === 0) {
        break;
      }
      const href = String(await next.getAttribute('href'));
      await next.click();
      await page.waitForURL(`${ours}${href}`);
    }
    expect(users).toHaveLength(105);
    expect(new Set(users).size).toBe(105);
  });

  it('brings the figures up to date without a click, and stops when the operator says so', async () => {
    const page = await newPage();
    await page.clock.install();
    await page.goto(`${ours}/console`);
    await page.getByLabel('API key with the scope').fill(operatorKey);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const asked = (): number => front.requests.filter(({ url }) => url === `${ours}/console`).length;
    const before = asked();
    await page.evaluate(`document.querySelector('#now dd').textContent = 'old'`);
    await page.clock.runFor(31_000);
    await page.getByText('old', { exact: true }).waitFor({ state: 'detached' });
    expect(asked()).toBe(before + 1);
    await page.getByLabel('Refresh every 30 seconds').uncheck();
    await page.clock.runFor(120_000);
    expect(asked()).toBe(before + 1);
  });

  it('resends a failed delivery for a key that may, and leaves an entry', async () => {
    const reader = await signIn(await apiKeys.create('reader', ['console']));
    await reader.goto(`${ours}/console/webhooks`);
    expect(await reader.getByRole('button', { name: 'Resend' }).count()).toBe(0);
    const before = await countResends();
    const page = await signIn();
    await page.goto(`${ours}/console/webhooks`);
    await page.getByRole('button', { name: `Resend event ${eventId}` }).click();
    await page.getByRole('status').waitFor();
    expect(await page.getByRole('status').textContent()).toContain(eventId);
    expect(await countResends()).toBe(before + 1);
  });

  it.each(['sign-in', 'sign-out', 'webhooks/resend'])(
    'refuses the form of another site to /console/%s, and is not framed by it',
    async (path) => {
      const [endpoint] = await application.app.get(WebhookEndpointsService, { strict: false }).list();
      const before = await countResends();
      const operator = await signIn();
      pages.set(
        new URL(evil).host,
        `<iframe src="${ours}/console"></iframe><form method="post" action="${ours}/console/${path}">
         <input name="api_key" value="${operatorKey}"><input name="endpoint_id" value="${endpoint?.id}">
         <input name="event_id" value="${eventId}"><button>Free prize</button></form>`,
      );
      const page = await operator.context().newPage();
      await page.goto(evil);
      const framed = await page.frames()[1]?.content();
      const [response] = await Promise.all([
        page.waitForResponse(`${ours}/console/${path}`),
        page.getByRole('button', { name: 'Free prize' }).click(),
      ]);
      expect(response.status()).toBe(403);
      expect(framed).not.toContain('Overview');
      const [posted] = front.requests.filter(
        ({ method, url }) => method === 'POST' && url.endsWith(path) && !url.endsWith('/console/sign-in'),
      );
      expect(posted?.cookie).toBeUndefined();
      expect(await countResends()).toBe(before);
      // The session of the operator is what it was.
      expect((await operator.goto(`${ours}/console`))?.url()).toBe(`${ours}/console`);
    },
  );

  it('is not there in production unless CONSOLE=on', async () => {
    const { databaseUrl, rootKey } = application;
    const production = { NODE_ENV: 'production', ENVIRONMENT_NAME: 'test', PUBLIC_URL: ours, SANDBOX_URL: undefined };
    const off = await startApplication({ environment: production, databaseUrl, rootKey });
    await off.browser.get('/console').expect(404);
    await off.browser.get('/console/console.js').expect(404);
    await off.browser.post('/console/sign-in').type('form').send({ api_key: 'x' }).expect(404);
    await off.close();
    const on = await startApplication({ environment: { ...production, CONSOLE: 'on' }, databaseUrl, rootKey });
    await on.browser.get('/console').expect(303);
    await on.close();
  });
});
