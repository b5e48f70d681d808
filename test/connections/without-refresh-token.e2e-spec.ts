import { describe, expect, it } from '@jest/globals';
import { ConnectionEndings } from '../../src/tokens/scheduler/connection-endings.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { approvedLink, linkAccount, pathOf } from '../support/linking.js';
import { Subject } from '../support/subject.js';
import { queryDatabase } from '../support/test-database.js';
import { useSweepers } from '../support/sweeps.js';

const { start } = useSweepers();

const hour = 3_600;
const day = 24 * hour;

describe('a connection without a refresh token', () => {
  const withoutRefreshToken = { endpoint: 'token', type: 'omitRefreshToken' } as const;

  it('says so from the link on, and ends with its access token (TE-15)', async () => {
    const application = await start();
    application.sandbox.provider('whoop').misbehave(withoutRefreshToken);
    const link = await approvedLink(application, 'whoop');
    const finished = await application.browser.get(pathOf(link.callback)).expect(200);
    expect(finished.body).toMatchObject({ success: true, warning: 'no_refresh_token' });
    const path = `/v1/users/${link.user}/connections/whoop`;
    expect((await application.api.get(path)).body).toMatchObject({
      status: 'active',
      reason: 'no_refresh_token',
      refreshable: false,
      refresh_expires_at: null,
    });
    await application.api.get(`${path}/token`).expect(200);
    application.clock.advance(2 * hour * 1_000);
    const expected = { status: 'needs_relink', reason: 'no_refresh_token', needs_relink: true };
    expect((await application.api.get(path)).body).toMatchObject(expected);
    const refusal = await application.api.get(`${path}/token`).expect(409);
    expect(refusal.body).toMatchObject({ code: 'TOKEN_REVOKED', act: 'user' });
    expect((refusal.body as { detail: string }).detail).not.toContain('has ended this connection');
    await application.app.get(ConnectionEndings, { strict: false }).sweep();
    expect((await application.api.get(path)).body).toMatchObject(expected);
    const [row] = await queryDatabase(application.databaseUrl, 'SELECT status, end_reason FROM connections');
    expect(row).toEqual({ status: 'needs_relink', end_reason: 'no_refresh_token' });
  });

  it('is nothing to warn of where the provider never gives one (TE-15)', async () => {
    const application = await start();
    const link = await approvedLink(application, 'polar');
    const finished = await application.browser.get(pathOf(link.callback)).expect(200);
    expect(finished.body).not.toHaveProperty('warning');
    expect((await application.api.get(`/v1/users/${link.user}/connections/polar`)).body).toMatchObject({
      status: 'active',
      reason: null,
      refreshable: false,
    });
  });

  it('keeps the stored one when a new link of the same account brings none (TE-15)', async () => {
    const application = await start();
    const account = '4711001';
    await linkAccount(application, 'user-k', 'google-health', { account });
    const store = application.app.get(ConnectionStore, { strict: false });
    application.sandbox.provider('google-health').misbehave(withoutRefreshToken);
    await linkAccount(application, 'user-k', 'google-health', { account });
    expect((await store.find('user-k', 'google-health'))?.refreshable).toBe(true);
    const path = '/v1/users/user-k/connections/google-health';
    await application.api.post(`${path}/refresh`).expect(200);
    expect((await application.api.get(path)).body).toMatchObject({ status: 'active', refreshable: true });
  });

  it('does not keep the one of another account (TE-15, AR-24)', async () => {
    const application = await start();
    await linkAccount(application, 'user-o', 'google-health', { account: '4711002' });
    application.sandbox.provider('google-health').misbehave(withoutRefreshToken);
    const path = '/v1/users/user-o/connections/google-health';
    const link = await approvedLink(application, 'google-health', {
      user: 'user-o',
      body: { on_account_change: 'replace' },
    });
    await application.browser.get(pathOf(link.callback)).expect(200);
    expect((await application.api.get(path)).body).toMatchObject({ refreshable: false });
    await application.api.post(`${path}/refresh`).expect(409);
  });

  it('does not keep one that the provider has refused (TE-15)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.endByRefusals();
    subject.fake.behave();
    subject.fake.misbehave(withoutRefreshToken);
    await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
    expect(await subject.view()).toMatchObject({ status: 'active', reason: 'no_refresh_token', refreshable: false });
  });
});

describe('the end of a refresh token', () => {
  it('is told where only its lifetime is published, and marked as declared', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'withings');
    const body = await subject.view();
    expect(body).toMatchObject({ refreshable: true, refresh_expires_at_source: 'declared' });
    const linkedAt = Date.parse(String(body['linked_at']));
    expect(Date.parse(String(body['refresh_expires_at']))).toBeGreaterThan(linkedAt + 30 * day * 1_000);
  });

  it('is told by the token response where that says it', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'garmin');
    expect(await subject.view()).toMatchObject({ refreshable: true, refresh_expires_at_source: 'provider' });
  });
});
