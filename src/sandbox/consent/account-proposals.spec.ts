import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FakeProvider } from '../fake-provider.js';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { plainDefinition } from '../testing/plain-definition.js';
import { call, encodeForm, OAuth2Driver, startSandbox, type Reply } from '../testing/sandbox-driver.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const definition: OAuth2SandboxDefinition = { ...plainDefinition, scopes: [] };

let sandbox: VendorSandbox;
let fake: FakeProvider;

beforeEach(async () => {
  ({ sandbox } = await startSandbox({ one: definition, two: definition }));
  sandbox.add('named', definition, 'Näme & Co');
  fake = sandbox.provider('one');
});

afterEach(() => sandbox.stop());

/** Keeps the cookies of one fake, as a browser does. */
class Browser {
  #cookie = '';

  constructor(private readonly provider: FakeProvider) {}

  async open(changes: Record<string, string> = {}): Promise<string> {
    const url = new OAuth2Driver(this.provider).authorizeUrl(changes);
    return (await call('GET', url, { headers: { cookie: this.#cookie } })).text;
  }

  /** Presses "Approve" on the page as it is. */
  async approve(page: string, account = proposedOn(page)): Promise<Reply> {
    const request = /name="request"\s+value="([^"]+)"/.exec(page)?.[1];
    const headers = { 'content-type': 'application/x-www-form-urlencoded', cookie: this.#cookie };
    const body = encodeForm({ request, account, decision: 'approve' });
    const reply = await call('POST', `${this.provider.url}/_consent`, { headers, body });
    const code = new URL(String(reply.headers['location'])).searchParams.get('code') ?? '';
    await new OAuth2Driver(this.provider).exchange(code);
    this.#cookie = String(reply.headers['set-cookie']).split(';')[0] ?? '';
    return reply;
  }
}

function proposedOn(page: string): string | undefined {
  return /name="account"\s+value="([^"]*)"/.exec(page)?.[1];
}

describe('the account that a consent page proposes', () => {
  it('is a new one for each new user, in one browser and in several', async () => {
    const browser = new Browser(fake);
    await browser.approve(await browser.open());
    expect(proposedOn(await browser.open())).toBe('1002');
    expect(proposedOn(await new Browser(fake).open())).toBe('1003');
    expect(proposedOn(await new Browser(sandbox.provider('two')).open())).toBe('1001');
  });

  it('is none that somebody has chosen by its number', async () => {
    const browser = new Browser(fake);
    await browser.approve(await browser.open(), '1002');
    expect(proposedOn(await new Browser(fake).open())).toBe('1003');
  });

  it("is the browser's last one once its grant has ended, because its user links again", async () => {
    const [mine, other] = [new Browser(fake), new Browser(fake)];
    await mine.approve(await mine.open());
    await other.approve(await other.open());
    fake.revokeGrant('all');
    expect(proposedOn(await mine.open())).toBe('1001');
    expect(proposedOn(await other.open())).toBe('1002');
  });

  it('is the one in login_hint, unless that is no number of an account', async () => {
    const browser = new Browser(fake);
    await browser.approve(await browser.open());
    expect(proposedOn(await browser.open({ login_hint: '4711' }))).toBe('4711');
    expect(proposedOn(await browser.open({ login_hint: '"><b>' }))).toBe('1002');
  });

  it('stands beside the other accounts of the browser', async () => {
    const browser = new Browser(fake);
    await browser.approve(await browser.open());
    await browser.approve(await browser.open());
    expect(await browser.open()).toContain('To use an account of before, enter its number: 1002, 1001.');
  });

  it('is taken when a form names no account', async () => {
    const browser = new Browser(fake);
    await browser.open();
    const page = await browser.open();
    const request = /name="request"\s+value="([^"]+)"/.exec(page)?.[1];
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = encodeForm({ request, decision: 'approve' });
    const reply = await call('POST', `${fake.url}/_consent`, { headers, body });
    expect(String(reply.headers['set-cookie'])).toMatch(
      /^sandbox-accounts=1002; Path=\/one; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
  });

  it('is kept in a cookie of which only numbers count', async () => {
    const url = new OAuth2Driver(fake).authorizeUrl();
    const headers = { cookie: 'a=1; sandbox-accounts=<b>.77.x.0.88' };
    const page = (await call('GET', url, { headers })).text;
    expect(proposedOn(page)).toBe('77');
    expect(page).toContain('enter its number: 88.');
  });
});

describe('a page of a fake provider', () => {
  it('says the name of the provider, escaped', async () => {
    const page = await new Browser(sandbox.provider('named')).open();
    expect(page).toContain('<h1>Näme &amp; Co: share your data?</h1>');
  });
});
