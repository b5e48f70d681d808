import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { callbackHeaders, pathOf, startLink } from '../support/linking.js';
import { getConnection } from '../support/connection-bodies.js';

describe('the browser after a link', () => {
  let application: TestApplication;
  let users = 0;
  beforeAll(async () => {
    application = await startApplication({
      environment: {
        RETURN_URLS: 'https://app.example.com/devices,https://app.example.com/done?tab=health&status=old',
      },
    });
  });
  afterAll(() => application.close());

  /** Every test has a user of its own. */
  function newUser(): string {
    users += 1;
    return `user-${users}`;
  }

  it.each(['whoop', 'garmin-oauth1'])(
    'is sent from %s to the return_url with status, provider and connection_id and nothing else (AR-15)',
    async (slug) => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, slug, {
        return_url: 'https://app.example.com/devices',
      });
      const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);
      const { connection_id: id } = await getConnection(application, user, slug);

      expect(finished.headers['location']).toBe(
        `https://app.example.com/devices?status=success&provider=${slug}&connection_id=${id}`,
      );
      expect(finished.headers).toMatchObject(callbackHeaders);
      expect(finished.text).toBe('');
    },
  );

  it.each(['whoop', 'garmin-oauth1'])(
    'is sent from %s to the return_url with the code of the error when the user denies consent (AR-15)',
    async (slug) => {
      const user = newUser();
      const { linkWebUrl } = await startLink(application, user, slug, {
        return_url: 'https://app.example.com/devices',
      });
      const callback = await consent(linkWebUrl, { decision: 'deny' });
      const finished = await application.browser.get(pathOf(callback)).expect(303);

      expect(finished.headers['location']).toBe(
        `https://app.example.com/devices?status=error&provider=${slug}&error=AUTHORIZATION_DENIED`,
      );
      expect(finished.headers).toMatchObject(callbackHeaders);
      await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
    },
  );

  it('keeps the parameters that the return_url has, but not under our own names', async () => {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, 'whoop', {
      return_url: 'https://app.example.com/done?tab=health&status=old',
    });
    const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);
    const { connection_id: id } = await getConnection(application, user, 'whoop');

    expect(finished.headers['location']).toBe(
      `https://app.example.com/done?tab=health&status=success&provider=whoop&connection_id=${id}`,
    );
  });

  it('takes any return_url on this machine outside production', async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'whoop', {
      return_url: 'http://localhost:5173/back',
    });
    const finished = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);

    expect(finished.headers['location']).toMatch(/^http:\/\/localhost:5173\/back\?status=success&/);
  });

  it.each(['whoop', 'garmin-oauth1'])('may come back from %s by POST with a form', async (slug) => {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, slug);
    const callback = await consent(linkWebUrl);

    const finished = await application.browser
      .post(callback.pathname)
      .type('form')
      .send(callback.search.slice(1))
      .expect(200);

    const { connection_id: id } = await getConnection(application, user, slug);
    expect(finished.body).toMatchObject({ success: true, provider: slug, connection_id: id });
    expect(finished.headers).toMatchObject(callbackHeaders);
  });

  it('comes back by POST and is sent to the return_url with 303, so that it does not repeat the form', async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'oura', {
      return_url: 'https://app.example.com/devices',
    });
    const callback = await consent(linkWebUrl);

    const finished = await application.browser
      .post(callback.pathname)
      .type('form')
      .send(callback.search.slice(1))
      .expect(303);

    expect(finished.headers['location']).toMatch(/^https:\/\/app\.example\.com\/devices\?status=success&/);
  });
});
