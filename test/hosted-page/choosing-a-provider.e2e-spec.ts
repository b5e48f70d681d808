import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { newUser, pathOf } from '../support/linking.js';
import {
  chooseAgain,
  chooseAndConsent,
  createSession,
  openSession,
  providersOn,
  startOnPage,
} from '../support/hosted-page.js';
import { queryDatabase } from '../support/test-database.js';
import { isConnected } from '../support/connection-bodies.js';
import { linksOf } from '../support/link-rows.js';

const returnUrl = 'https://app.example.com/devices';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
});
afterAll(() => application.close());

describe('the hosted page', () => {
  it.each(['whoop', 'strava', 'fatsecret'])('links %s in the browser that opened it, and stays there', async (slug) => {
    const user = newUser();
    const session = await createSession(application, user);
    expect(session.connectUrl).toBe(`http://localhost:3000/connect?link_token=${session.token}`);
    expect(session.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const browser = application.newBrowser();

    const opening = await browser.get(pathOf(new URL(session.connectUrl))).expect(200);
    const opened = await openSession(browser, session).expect(303);
    const page = await browser.get(session.page).expect(200);
    const callback = await chooseAgain(browser, slug, session);
    const finished = await browser.get(pathOf(callback)).expect(303);
    const back = await browser.get(pathOf(new URL(String(finished.headers['location'])))).expect(200);

    expect(opening.text).toContain('Continue');
    expect(opened.headers['location']).toBe(session.page);
    expect(page.text).toContain(`value="${slug}"`);
    expect(back.text).toContain('is connected');
    expect(await isConnected(application, user, slug)).toBe(true);
  });

  it('goes to the return_url where the session names one, and asks for confirmation where it says so', async () => {
    const [direct, confirmed] = [newUser(), newUser()];
    const browser = application.newBrowser();
    const callback = await chooseAndConsent(
      browser,
      'whoop',
      await createSession(application, direct, { return_url: returnUrl }),
    );
    const finished = await browser.get(pathOf(callback)).expect(303);
    expect(finished.headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);

    const body = { return_url: returnUrl, require_confirmation: true };
    const other = application.newBrowser();
    const waiting = await other.get(
      pathOf(await chooseAndConsent(other, 'whoop', await createSession(application, confirmed, body))),
    );
    const { searchParams } = new URL(String(waiting.headers['location']));
    expect(searchParams.get('status')).toBe('confirmation_required');
    expect(await isConnected(application, confirmed, 'whoop')).toBe(false);
    await application.api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: confirmed, confirmation_code: searchParams.get('confirmation_code') })
      .expect(200);
    expect(await isConnected(application, confirmed, 'whoop')).toBe(true);
  });

  it('reports that the user denied consent, and lets another try', async () => {
    const user = newUser();
    const browser = application.newBrowser();
    const session = await createSession(application, user);
    const callback = await chooseAndConsent(browser, 'oura', session, { decision: 'deny' });
    const finished = await browser.get(pathOf(callback)).expect(303);
    const back = await browser.get(pathOf(new URL(String(finished.headers['location'])))).expect(200);
    expect(back.text).toContain('You declined to share your data.');

    await browser.get(pathOf(await chooseAgain(browser, 'oura', session))).expect(303);
    expect(await isConnected(application, user, 'oura')).toBe(true);
  });

  it('offers the providers of the session, and starts no other', async () => {
    const user = newUser();
    const browser = application.newBrowser();
    const session = await createSession(application, user, { providers: ['oura', 'whoop'] });
    await openSession(browser, session).expect(303);

    const page = await browser.get(session.page).expect(200);
    const refusal = await startOnPage(browser, 'garmin', session).expect(404);

    expect(providersOn(page)).toEqual(['oura', 'whoop']);
    expect(refusal.headers['content-type']).toMatch(/^text\/html/);
    expect(await linksOf(application, user)).toEqual([]);
  });

  it('offers no provider that has ended, though its fake still responds', async () => {
    const browser = application.newBrowser();
    const session = await createSession(application, newUser());
    await openSession(browser, session).expect(303);

    const page = await browser.get(session.page).expect(200);

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
      const session = await createSession(production, newUser(), { return_url: returnUrl });
      const opened = await production.browser.post('/connect').type('form').send({ link_token: session.token });
      const [cookie] = opened.headers['set-cookie'] as unknown as string[];
      const page = await production.browser.get(session.page).set('cookie', String(cookie?.split(';')[0]));
      expect(providersOn(page)).toEqual(['whoop']);
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
    const api = application.newBrowser().set('authorization', `Bearer ${key}`);

    const denied = newUser();
    expect(
      (await api.post('/v1/link-sessions').send({ user_id: denied, providers: ['oura', 'whoop'] })).body,
    ).toMatchObject({
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
    const session = await createSession({ api }, 'user-1');
    const browser = application.newBrowser();
    await openSession(browser, session).expect(303);
    const page = await browser.get(session.page).expect(200);
    expect(providersOn(page)).toEqual(['oura']);
  });

  it('shows nothing of others, runs nothing, and does not say in a Referer where it was', async () => {
    const session = await createSession(application, newUser());
    const browser = application.newBrowser();
    const opening = await browser.get(pathOf(new URL(session.connectUrl))).expect(200);
    const opened = await openSession(browser, session).expect(303);
    expect(opened.headers['referrer-policy']).toBe('no-referrer');
    const page = await browser.get(`${session.page}&status=success&provider=<script>alert(1)</script>`).expect(200);
    const refusal = await application.newBrowser().get('/connect').expect(403);

    for (const { headers, text } of [opening, page, refusal]) {
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' });
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; style-src 'sha256-");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(text).not.toMatch(/<script|<img|<link|src=|https?:\/\//i);
    }
    expect(page.text).not.toContain(session.token);
  });
});
