import { chmod, mkdtemp, readFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { findFreePort } from '../../src/development/free-port.js';
import { TestChromium } from '../support/chromium.js';
import { findFlaws } from '../support/page-looks.js';
import { removeDirectory, type ServiceProcess, startService } from '../support/service-process.js';
import { until } from '../support/until.js';

interface Credentials {
  readonly api_url: string;
  readonly api_key: string;
  readonly sandbox_url: string;
}

const startMs = 300_000;

/** The program of `npm start`, as a newcomer uses it: in a browser, by clicking alone. */
describe('the demo', () => {
  let directory: string;
  let service: ServiceProcess | undefined;
  let chromium: TestChromium | undefined;
  let credentials: Credentials;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    directory = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-demo-'));
    // PostgreSQL's own user enters it when we are root.
    await chmod(directory, 0o755);
    const environment = { PORT: String(await findFreePort()), SANDBOX_PORT: '0', RATE_LIMIT_USER_PER_MINUTE: '0' };
    service = startService(directory, { ...environment, RATE_LIMIT_ADDRESS_PER_MINUTE: '0' });
    await until('the service has started', () => service?.stdout().includes('Start a link') === true, startMs);
    const text = await readFile(join(directory, '.cufflink/dev-credentials.json'), 'utf8');
    credentials = JSON.parse(text) as Credentials;
    chromium = await TestChromium.start();
    context = await chromium.browser.newContext({ locale: 'en' });
    page = await context.newPage();
  }, startMs);
  afterAll(async () => {
    await chromium?.stop();
    await service?.stop();
    await removeDirectory(directory);
  }, startMs);
  beforeEach(async () => {
    await page.goto(demoUrl());
  });

  function demoUrl(): string {
    return `${credentials.api_url}/demo`;
  }

  async function press(name: string | RegExp): Promise<void> {
    await page.getByRole('button', { name }).first().click();
  }

  /** From the demo over the hosted page to the provider's consent page. */
  async function openConsent(device: string): Promise<void> {
    await press('Connect a device');
    await press('Continue');
    await page.getByRole('button', { name: device }).filter({ hasNotText: 'Disconnect' }).first().click();
    await page.getByRole('button', { name: 'Approve' }).waitFor();
  }

  /** This provider sends its response in a form, which the person takes on by a press. */
  async function continueToDemo(): Promise<void> {
    await press('Continue');
    await page.getByText('The device is connected').waitFor();
  }

  async function accountOnPage(): Promise<string> {
    return page.getByLabel('Account number').inputValue();
  }

  async function callApi(path: string): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${credentials.api_key}` };
    return (await (await fetch(credentials.api_url + path, { headers })).json()) as Record<string, unknown>;
  }

  it('is the first address of the notice that npm start prints', () => {
    expect(/Cufflink is running[^]*?(https?:\/\/\S+)/.exec(service?.stdout() ?? '')?.[1]).toBe(demoUrl());
  });

  it('makes the first link by clicks alone, confirmed for the chosen user, on pages without flaws', async () => {
    const flaws = await findFlaws(page, 'demo-entrance');
    await press('user-1');
    flaws.push(...(await findFlaws(page, 'demo-empty')));
    await openConsent('WHOOP');
    expect(await accountOnPage()).toBe('1001');
    flaws.push(...(await findFlaws(page, 'sandbox-consent')));
    await press('Approve');
    await page.getByText('The device is connected, and the link was confirmed for user-1.').waitFor();
    expect(page.url()).toBe(demoUrl());
    flaws.push(...(await findFlaws(page, 'demo-connected')));

    await page.goto(`${credentials.sandbox_url}/`);
    flaws.push(...(await findFlaws(page, 'sandbox-index')));
    expect(flaws).toEqual([]);
    const { connections } = await callApi('/v1/users/user-1/connections');
    expect(connections).toEqual([expect.objectContaining({ provider: 'whoop', status: 'active' })]);
  });

  it('shows fingerprint and lifetime of the token, and the token itself nowhere', async () => {
    await press('Show token: WHOOP');
    const token = await callApi('/v1/users/user-1/connections/whoop/token');
    await page.getByText(String(token['fingerprint'])).waitFor();
    expect(await page.content()).toMatch(/<dt>Lifetime<\/dt>\s*<dd><code>\d+ minutes<\/code>/);
    expect(await page.content()).not.toContain(String(token['access_token']));
    expect(await page.content()).not.toContain(credentials.api_key);
    await page.reload();
    expect(await page.getByText(String(token['fingerprint'])).count()).toBe(0);
  });

  it('calls the provider through the proxy, and shows the response', async () => {
    await press('Call: WHOOP');
    await page.getByText('"account_id": "1001"').waitFor();
    expect(await findFlaws(page, 'demo-call')).toEqual([]);
  });

  it('forces an outage: a refresh fails, the token that works is still issued, and the end is seen', async () => {
    await press('Start an outage: WHOOP');
    await page.getByText('WHOOP is down, as you ordered').waitFor();
    await press('Refresh: WHOOP');
    await page.getByRole('alert').getByText('PROVIDER_UNAVAILABLE').waitFor();
    expect(await findFlaws(page, 'demo-outage')).toEqual([]);
    await press('Show token: WHOOP');
    await page.getByText('Cufflink returned an access token that works').waitFor();
    await press('End the outage: WHOOP');
    await page.getByText('WHOOP is back').waitFor();
    await press('Refresh: WHOOP');
    await page.getByText('The token was refreshed').waitFor();
    await untilShown('connection.recovered');
  });

  it('proposes another account to the second user, and the former one to a user who links again', async () => {
    await press('Be user-2');
    await openConsent('WHOOP');
    expect(await accountOnPage()).toBe('1002');
    await press('Approve');
    await page.getByText('The device is connected, and the link was confirmed for user-2.').waitFor();

    await openConsent('Huawei Health Kit');
    await press('Approve');
    await continueToDemo();
    await press('Withdraw consent: Huawei Health Kit');
    await page.getByText('which has told Cufflink').waitFor();
    await untilShown('needs a new link');
    expect(await findFlaws(page, 'demo-withdrawn')).toEqual([]);
    await openConsent('Huawei Health Kit');
    expect(await accountOnPage()).toBe('1001');
    await press('Approve');
    await continueToDemo();
    expect(await page.getByText('needs a new link').count()).toBe(0);
  });

  it('says so if the user declines, and if Cufflink refuses', async () => {
    await press('Be user-3');
    await openConsent('Oura');
    await press('Deny');
    await page.getByText('Nothing was connected: you declined.').waitFor();
    await openConsent('WHOOP');
    await page.getByLabel('Account number').fill('1001');
    await press('Approve');
    await page.getByRole('alert').getByText('ACCOUNT_ALREADY_LINKED').waitFor();
  });

  it('disconnects, and revokes the grant at the provider', async () => {
    await press('Be user-1');
    await press('Disconnect: WHOOP');
    await page.getByText('revoked', { exact: true }).waitFor();
    await page.getByText('No device is connected yet').waitFor();
    await untilShown('connection.unlinked');
  });

  it('does nothing for the form of another site, and has one address', async () => {
    const { port } = new URL(demoUrl());
    const other = await fetch(`http://127.0.0.1:${port}/demo`, { redirect: 'manual' });
    expect([other.status, other.headers.get('location')]).toEqual([303, demoUrl()]);
    const headers = { cookie: 'cufflink-demo-user=user-2', 'content-type': 'application/x-www-form-urlencoded' };
    const forged = { ...headers, origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'cross-site' };
    const disconnect = `${demoUrl()}/connections/whoop/disconnect`;
    const refused = await fetch(disconnect, { method: 'POST', headers: forged, redirect: 'manual' });
    expect(refused.status).toBe(303);
    const { connections } = await callApi('/v1/users/user-2/connections');
    expect(connections).toHaveLength(2);
    await fetch(disconnect, { method: 'POST', headers, redirect: 'manual' });
    expect((await callApi('/v1/users/user-2/connections'))['connections']).toHaveLength(1);
  });

  /** Presses "Look again" until the page has a text. */
  async function untilShown(text: string): Promise<void> {
    await until(`the page shows ${text}`, async () => {
      await page.getByRole('link', { name: 'Look again' }).click();
      return (await page.getByText(text).count()) > 0;
    });
  }
});
