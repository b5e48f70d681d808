import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from './support/application.js';
import { linkAccount } from './support/linking.js';

describe('linking', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  it.each(['whoop', 'garmin', 'fitbit', 'oura', 'garmin-oauth1', 'fitbit-oauth1'])('links %s', async (slug) => {
    const id = await linkAccount(application, 'user-1', slug);
    const { body } = await application.api.get(`/v1/users/user-1/connections/${slug}`).expect(200);
    expect(body).toMatchObject({ connection_id: id, status: 'active' });
  });
});
