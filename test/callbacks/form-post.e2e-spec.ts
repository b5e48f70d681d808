import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { startLink } from '../support/linking.js';

const hourMs = 3_600_000;

/**
 * Sign in with Apple responds with a form that the browser posts here from another site: no cookie can come with it.
 */
describe('a provider that responds with a form', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  async function post(callback: URL): Promise<{ status: number; body: unknown }> {
    return application.browser.post(callback.pathname).type('form').send(callback.search.slice(1));
  }

  it('is linked by the posted form, without any cookie, and only once (AR-16)', async () => {
    const callback = await consent((await startLink(application, 'user-1', 'apple-health')).linkWebUrl);
    expect(await post(callback)).toMatchObject({ status: 200, body: { success: true, provider: 'apple-health' } });
    expect(await post(callback)).toMatchObject({ status: 403, body: { code: 'AUTHORIZATION_STATE_INVALID' } });
  });

  it('refuses a form with a state that was never issued (AR-16)', async () => {
    const callback = await consent((await startLink(application, 'user-2', 'apple-health')).linkWebUrl);
    callback.searchParams.set('state', 'forged');
    expect(await post(callback)).toMatchObject({ status: 403, body: { code: 'AUTHORIZATION_STATE_INVALID' } });
    const list = await application.api.get('/v1/users/user-2/connections').expect(200);
    expect(list.body).toEqual({ connections: [] });
  });

  it('reports that the user denied consent', async () => {
    const { linkWebUrl } = await startLink(application, 'user-3', 'apple-health');
    const callback = await consent(linkWebUrl, { decision: 'deny' });
    expect(await post(callback)).toMatchObject({ status: 403, body: { code: 'AUTHORIZATION_DENIED' } });
  });

  it('is refreshed once a day at most', async () => {
    const refreshes = (): number =>
      application.sandbox.provider('apple-health').history.filter(({ kind }) => kind === 'refresh').length;
    const callback = await consent((await startLink(application, 'user-4', 'apple-health')).linkWebUrl);
    await post(callback);
    application.clock.advance(2 * hourMs);
    const early = await application.api.get('/v1/users/user-4/connections/apple-health/token').expect(503);
    expect(early.body).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
    const { retry_after_seconds: wait } = early.body as { retry_after_seconds: number };
    expect(wait).toBeGreaterThan(21.9 * 3_600);
    expect(wait).toBeLessThanOrEqual(22 * 3_600);
    expect(refreshes()).toBe(0);

    application.clock.advance(wait * 1_000);
    await application.api.get('/v1/users/user-4/connections/apple-health/token').expect(200);
    expect(refreshes()).toBe(1);
  });
});
