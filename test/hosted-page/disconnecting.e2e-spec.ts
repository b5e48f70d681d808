import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type TestAgent from 'supertest/lib/agent.js';
import type { AccessScope } from '../../src/access/scopes.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount, newUser } from '../support/linking.js';
import { isConnected } from '../support/connection-bodies.js';
import { createSession, openSession } from '../support/hosted-page.js';

const ours = 'http://localhost:3000';

describe('a connection on the hosted page', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication({ environment: { PUBLIC_URL: ours } });
  });
  afterAll(() => application.close());

  /** Opens a session that a key with these scopes has made. */
  async function openSessionOf(user: string, scopes: readonly AccessScope[], body: object = {}) {
    const key = await application.createKey('links:write', ...scopes);
    const api = application.newBrowser().set('authorization', `Bearer ${key}`);
    const session = await createSession({ api }, user, body);
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);
    return { browser, handle: session.handle };
  }

  function ask(browser: TestAgent, session: string, provider: string) {
    return browser.get('/connect/disconnect').query({ session, provider });
  }

  function disconnect(browser: TestAgent, session: string, provider: string) {
    return browser.post('/connect/disconnect').type('form').send({ session, provider });
  }

  async function connectedUser(...providers: string[]): Promise<string> {
    const user = newUser();
    for (const provider of providers) {
      await linkAccount(application, user, provider);
    }
    return user;
  }

  it('ends after a question, is revoked at the provider, and leaves an entry', async () => {
    const user = await connectedUser('whoop');
    const { browser, handle } = await openSessionOf(user, ['connections:write']);
    const before = application.sandbox.provider('whoop').liveGrants().length;

    const question = await ask(browser, handle, 'whoop').expect(200);
    expect(question.text).toContain('Disconnect WHOOP?');
    expect(await isConnected(application, user, 'whoop')).toBe(true);
    const response = await disconnect(browser, handle, 'whoop').expect(303);
    const page = await browser.get(String(response.headers['location'])).expect(200);

    expect(page.text).toContain('WHOOP is disconnected');
    expect(await isConnected(application, user, 'whoop')).toBe(false);
    expect(application.sandbox.provider('whoop').liveGrants()).toHaveLength(before - 1);
    expect(await auditEntriesOf(application, user)).toContain('connection.unlinked success browser');
    // Pressed once more, it is no error.
    await disconnect(browser, handle, 'whoop').expect(303);
    expect((await browser.get(`/connect?session=${handle}`)).text).not.toContain('role="status"');
  });

  it.each([
    [[], false],
    [['connections:read'], true],
  ] as const)(
    'is not ended by way of a key that may not do so itself, and shown only where it may: %j (AR-28)',
    async (scopes, isShown) => {
      const user = await connectedUser('whoop');
      const { browser, handle } = await openSessionOf(user, scopes);

      const page = await browser.get(`/connect?session=${handle}`).expect(200);
      expect(page.text.includes('Your devices')).toBe(isShown);
      expect(page.text).not.toContain('/connect/disconnect');
      await ask(browser, handle, 'whoop').expect(403);
      await disconnect(browser, handle, 'whoop').expect(403);

      expect(await isConnected(application, user, 'whoop')).toBe(true);
    },
  );

  it('is not ended where the session is for other providers (TE-08)', async () => {
    const user = await connectedUser('whoop', 'oura');
    const { browser, handle } = await openSessionOf(user, ['connections:write'], { providers: ['oura', 'polar'] });

    const page = await browser.get(`/connect?session=${handle}`).expect(200);
    await disconnect(browser, handle, 'whoop').expect(403);
    await ask(browser, handle, 'nothing').expect(403);

    expect(page.text).toContain('Oura');
    expect(page.text).not.toContain('WHOOP');
    expect(await isConnected(application, user, 'whoop')).toBe(true);
  });

  it('is not ended by the form of another site, nor without the cookie of the session (AR-28)', async () => {
    const user = await connectedUser('whoop');
    const { browser, handle } = await openSessionOf(user, ['connections:write']);

    for (const site of ['cross-site', 'same-site', 'none']) {
      await disconnect(browser, handle, 'whoop').set('sec-fetch-site', site).expect(403);
    }
    for (const origin of ['https://evil.example', 'http://localhost:3001', 'null']) {
      await disconnect(browser, handle, 'whoop').set('origin', origin).expect(403);
    }
    const stranger = application.newBrowser();
    await ask(stranger, handle, 'whoop').expect(403);
    await disconnect(stranger, handle, 'whoop').expect(403);

    expect(await isConnected(application, user, 'whoop')).toBe(true);
    await disconnect(browser, handle, 'whoop').set({ origin: ours, 'sec-fetch-site': 'same-origin' }).expect(303);
    expect(await isConnected(application, user, 'whoop')).toBe(false);
  });

  it('of another user is neither shown nor ended', async () => {
    const [user, other] = [await connectedUser('oura'), await connectedUser('whoop')];
    const { browser, handle } = await openSessionOf(user, ['connections:write']);

    const page = await browser.get(`/connect?session=${handle}`).expect(200);
    expect(page.text.match(/class="card row"/g)).toHaveLength(1);
    await disconnect(browser, handle, 'whoop').expect(303);

    expect(await isConnected(application, other, 'whoop')).toBe(true);
  });
});
