import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uncheckedIssuers } from '../../src/provider-kit/provider-kit.metrics.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { redemptions } from '../support/fake-providers.js';

/** RFC 9207: who the callback says that it comes from. */
describe('the issuer that a callback names', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  async function callBack(
    slug: string,
    iss: string,
  ): Promise<{ user: string; status: number; code: string | undefined }> {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, slug);
    const callback = await consent(linkWebUrl);
    callback.searchParams.set('iss', iss);
    const response = await application.browser.get(pathOf(callback));
    return { user, status: response.status, code: (response.body as { code?: string }).code };
  }

  async function unchecked(slug: string): Promise<number> {
    const { values } = await uncheckedIssuers.get();
    return values.find(({ labels }) => labels.provider === slug)?.value ?? 0;
  }

  it.each(['google-health', 'smart-on-fhir', 'oura', 'tidepool'])(
    'refuses a good callback of %s to which another issuer was added, and redeems no code (AR-08)',
    async (slug) => {
      const before = redemptions(application, slug);

      const { user, status, code } = await callBack(slug, 'https://evil.example');

      expect({ status, code }).toEqual({ status: 403, code: 'AUTHORIZATION_STATE_INVALID' });
      expect(redemptions(application, slug)).toBe(before);
      await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
    },
  );

  it("takes a callback that names Google's own issuer (AR-08)", async () => {
    expect(await callBack('google-health', 'https://accounts.google.com')).toMatchObject({ status: 200 });
  });

  it('counts a callback that names an issuer where the provider has no known one: the defense is off (AR-08)', async () => {
    const before = await unchecked('whoop');

    expect(await callBack('whoop', 'https://evil.example')).toMatchObject({ status: 200 });

    expect(await unchecked('whoop')).toBe(before + 1);
  });
});
