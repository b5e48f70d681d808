import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { newUser, pathOf } from '../support/linking.js';
import { createSession, openSession } from '../support/hosted-page.js';

const returnUrl = 'com.example.app:/linked';

describe('a link from an app', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
  });
  afterAll(() => application.close());

  it('comes back to the scheme of the app, with the outcome, and is confirmed', async () => {
    const user = newUser();
    const body = { return_url: returnUrl, require_confirmation: true };
    const started = await application.api.post(`/v1/users/${user}/connections/whoop/link`).send(body).expect(201);
    const callback = await consent((started.body as { link_web_url: string }).link_web_url);

    const { headers } = await application.browser.get(pathOf(callback)).expect(303);

    const location = String(headers['location']);
    expect(location).toMatch(/^com\.example\.app:\/linked\?status=confirmation_required&provider=whoop&/);
    const { searchParams } = new URL(location);
    await application.api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: user, confirmation_code: searchParams.get('confirmation_code') })
      .expect(200);
  });

  it('may lead through the hosted page, whose forms end at the app', async () => {
    const session = await createSession(application, newUser(), { return_url: returnUrl });
    const browser = application.newBrowser();

    const opening = await browser.get(pathOf(new URL(session.connectUrl))).expect(200);
    const opened = await openSession(browser, session).expect(303);
    const choice = await browser.get(String(opened.headers['location'])).expect(200);

    for (const page of [opening, choice]) {
      expect(page.headers['content-security-policy']).toContain(
        `form-action 'self' https: http: com.example.app:; base-uri 'none'`,
      );
      expect(page.text).toContain(`href="${returnUrl}"`);
    }
  });

  it.each([
    'com.example.app:/linked/elsewhere',
    'com.example.app:/linked?x=1',
    'com.example.other:/linked',
    'app:/linked',
  ])('comes back nowhere else: %s (NET-05)', async (other) => {
    const refused = await application.api
      .post(`/v1/users/${newUser()}/connections/whoop/link`)
      .send({ return_url: other });
    expect(refused.body).toMatchObject({ status: 400, code: 'RETURN_URL_NOT_ALLOWED' });
  });
});
