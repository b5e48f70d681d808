import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { Connection } from '../../src/tokens/store/connection.js';
import { RefreshService } from '../../src/tokens/refresh/refresh.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { at, endAllTrouble, resetCircuitBreakers, Subject } from '../support/subject.js';

/** Lets the pause after a failure pass, for the connection and the provider. */
async function passPause(subject: Subject): Promise<void> {
  await subject.passInDatabase(1_000);
  await resetCircuitBreakers(subject.application);
}

describe('a refresh with an unusable response', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => endAllTrouble(application));
  afterAll(() => application.close());

  it.each([
    ['an access token that is none', at({ type: 'fields', values: { access_token: 'not visible ASCII' } })],
    ['another type of token', at({ type: 'badTokenType' })],
  ])('loses nothing: with %s, the refresh token that was replaced is kept (TE-04)', async (_what, unusable) => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    for (let round = 0; round < 3; round += 1) {
      const before = await subject.stored();
      subject.fake.misbehave(unusable);

      expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID', act: 'us' });

      const { accessToken, refreshToken } = await subject.stored();
      expect(accessToken).toBe(before.accessToken);
      expect(refreshToken).not.toBe(before.refreshToken);
      expect(subject.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
      expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: round + 1 });
      await subject.passInDatabase(3_600);
    }

    await subject.token();

    expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: 0, last_error_code: null });
    await subject.expectStoredTokensAlive();
  });

  it('is an error for waiting callers: nobody gets the old token as a new one (TE-04)', async () => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    const store = application.app.get(ConnectionStore, { strict: false });
    const asRead = (await store.find(subject.userId, 'whoop')) as Connection;
    subject.fake.misbehave(at({ type: 'badTokenType' }));
    await subject.refusal();
    const { accessToken } = await subject.stored();

    const waiting = application.app.get(RefreshService, { strict: false }).refresh(asRead);

    await expect(waiting).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    expect((await subject.stored()).accessToken).toBe(accessToken);
    expect(subject.refreshes).toHaveLength(1);
  });

  it('forgets evidence against the former refresh token (TE-04)', async () => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    subject.fake.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }));
    await subject.refusal();
    expect((await subject.row()).suspect_since).not.toBeNull();
    await subject.passInDatabase(3_600);
    subject.fake.misbehave(at({ type: 'badTokenType' }));

    await subject.refusal();

    expect((await subject.row()).suspect_since).toBeNull();
  });

  it('keeps the refresh token at rest where the response has none that can be read (TE-04)', async () => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    const before = await subject.row();
    subject.fake.misbehave(
      at({ type: 'status', code: 200, body: '{"token_type":"bearer"}', contentType: 'application/json' }),
    );

    expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });

    const after = await subject.row();
    expect(after).toMatchObject({ secret_gen: before.secret_gen, sealed: before.sealed });
    expect(after.attempt_started_at).not.toBeNull();
    await subject.passInDatabase(60, ['retry_at']);
    expect(await subject.refusal()).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING' });
    expect(subject.refreshes).toHaveLength(1);
    await subject.passInDatabase(3_600);
    await subject.token();
    await subject.expectStoredTokensAlive();
  });

  it('calls a forgiving provider less and less often while it sends unreadable responses (R-09)', async () => {
    const subject = await Subject.link(application, 'wahoo');
    await subject.expire();
    subject.fake.misbehave(at({ type: 'html' }), Infinity);
    const random = jest.spyOn(Math, 'random').mockReturnValue(0.999);
    try {
      const pauses: number[] = [];
      for (let round = 0; round < 12; round += 1) {
        pauses.push((await subject.refusal()).retry_after_seconds);
        await passPause(subject);
      }
      expect(pauses.slice(0, 2)).toEqual([1, 2]);
      expect(pauses.at(-1)).toBeGreaterThan(600);
    } finally {
      random.mockRestore();
      subject.fake.behave();
    }
    await subject.token();
    await subject.expectStoredTokensAlive();
  });

  it('sends the refresh token again at once where the provider forgives that (TE-04)', async () => {
    const subject = await Subject.link(application, 'wahoo');
    await subject.expire();
    subject.fake.misbehave(at({ type: 'html', processed: true }));

    await subject.token();

    expect(subject.refreshes).toHaveLength(2);
    await subject.expectStoredTokensAlive();
  });
});
