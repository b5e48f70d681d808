import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { Connection } from '../../src/tokens/store/connection.js';
import { RefreshedTokenSaver } from '../../src/tokens/refresh/refreshed-token-saver.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { at, endAllTrouble, Subject } from '../support/subject.js';

const anotherUser = at({ type: 'idToken', claims: { sub: '999' } });

describe('a refresh with a response about another user', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => {
    jest.restoreAllMocks();
    return endAllTrouble(application);
  });
  afterAll(() => application.close());

  it.each([
    ['names another user', { sub: '999' }],
    ['names nobody', { sub: null }],
    ['is for another client', { aud: 'another-client' }],
  ])('leaves the tokens in force and keeps the connection, when its ID token %s (AR-18)', async (_what, claims) => {
    const subject = await Subject.link(application, 'tidepool');
    const token = await subject.token();
    await subject.liveFor(30_000);
    subject.fake.misbehave(at({ type: 'idToken', claims }));

    expect(await subject.token()).toBe(token);

    expect(subject.refreshes).toHaveLength(1);
    expect(await subject.row()).toMatchObject({ status: 'active', last_error_code: 'TOKEN_RESPONSE_INVALID' });
    expect(await auditEntriesOf(application, subject.userId)).toContain(
      'token.refresh_failed failed service TOKEN_RESPONSE_INVALID',
    );
  });

  it('loses nothing: the refresh token that was replaced is kept, and the next right response is taken (AR-18)', async () => {
    // The longest pause before the next attempt, so that it is never over at once.
    jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const subject = await Subject.link(application, 'tidepool');
    await subject.expire();
    for (let round = 0; round < 5; round += 1) {
      const before = await subject.stored();
      subject.fake.misbehave(anotherUser);
      expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID', act: 'us' });
      // It is not asked again at once.
      expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });
      expect(subject.refreshes).toHaveLength(round + 1);
      const { accessToken, refreshToken, providerUserId } = await subject.stored();
      expect({ accessToken, providerUserId }).toEqual({
        accessToken: before.accessToken,
        providerUserId: subject.account,
      });
      expect(refreshToken).not.toBe(before.refreshToken);
      expect(subject.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
      expect((await subject.row()).failed_attempts).toBe(round + 1);
      await subject.passInDatabase(3_600);
    }
    // The refresh token may be the other user's: a response that names nobody says nothing.
    expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });
    await subject.passInDatabase(3_600);
    subject.fake.misbehave(at({ type: 'idToken', claims: {} }));

    await subject.token();

    expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: 0, last_error_code: null });
    await subject.expectStoredTokensAlive();
  });

  it.each([
    ["never one that may be another user's", true, undefined],
    ['one of a response that could not be used', false, 'brought-too-late'],
  ])('keeps as a spare refresh token %s (AR-18, R-15)', async (_what, namesAnotherUser, spareRefreshToken) => {
    const subject = await Subject.link(application, 'whoop');
    const row = await application.app.get(ConnectionStore, { strict: false }).find(subject.userId, 'whoop');
    const previous = await subject.stored();
    await subject.refresh().expect(200);
    const provider = application.app.get(ProviderRegistry, { strict: false }).get('whoop');

    const grants = application.app.get(RefreshedTokenSaver, { strict: false });
    const brought = { refreshToken: 'brought-too-late', namesAnotherUser };
    await grants.saveRefreshToken(row as Connection, provider, previous, brought);

    expect((await subject.stored()).spareRefreshToken).toBe(spareRefreshToken);
  });

  it("ends no grant with a refresh token that may be another user's (AR-18, TE-10)", async () => {
    const subject = await Subject.link(application, 'tidepool');
    await subject.expire();
    subject.fake.misbehave(anotherUser);
    await subject.refusal();
    const { accessToken } = await subject.stored();
    const provider = application.app.get(ProviderRegistry, { strict: false }).get('tidepool');
    const revoke = jest.spyOn(provider, 'revoke');

    await subject.unlink().expect(200);

    expect(revoke.mock.calls).toEqual([[expect.objectContaining({ accessToken })]]);
    expect(revoke.mock.calls[0]?.[0].refreshToken).toBeUndefined();
    revoke.mockRestore();
  });

  it('changes nothing where the refresh token stays the same (AR-18)', async () => {
    const subject = await Subject.link(application, 'huawei-health-kit');
    await subject.expire();
    const before = await subject.row();
    subject.fake.misbehave(at({ type: 'idToken', claims: { openid: '999', sub: 'union-999' } }));

    expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });

    expect(await subject.row()).toMatchObject({ secret_gen: before.secret_gen, sealed: before.sealed });
    await subject.passInDatabase(3_600);
    await subject.token();
    await subject.expectStoredTokensAlive();
  });

  it('takes tokens whose ID token names the user of the connection (AR-18)', async () => {
    const subject = await Subject.link(application, 'tidepool');
    await subject.expire();
    subject.fake.misbehave(at({ type: 'idToken', claims: {} }));

    await subject.token();

    await subject.expectStoredTokensAlive();
  });
});
