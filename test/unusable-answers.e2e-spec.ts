import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from './support/application.js';
import { at, endTrouble, Subject } from './support/subject.js';

describe('a refresh whose answer cannot be used', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => endTrouble(application));
  afterAll(() => application.close());

  it.each([
    ['a life that is none', at({ type: 'expiresIn', value: -1 })],
    ['another type of token', at({ type: 'badTokenType' })],
  ])('TE-04 loses nothing: with %s, the refresh token that was replaced is kept', async (_what, unusable) => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    for (let round = 0; round < 3; round += 1) {
      const before = await subject.stored();
      subject.maker.misbehave(unusable);

      expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID', act: 'us' });

      const { accessToken, refreshToken } = await subject.stored();
      expect(accessToken).toBe(before.accessToken);
      expect(refreshToken).not.toBe(before.refreshToken);
      expect(subject.maker.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
      expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: round + 1 });
      await subject.passInDatabase(3_600);
    }

    await subject.token();

    expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: 0, last_error_code: null });
    await subject.expectStoredTokensAlive();
  });

  it('TE-04 changes nothing where the answer has no refresh token', async () => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    const before = await subject.row();
    subject.maker.misbehave(
      at({ type: 'status', code: 200, body: '{"token_type":"bearer"}', contentType: 'application/json' }),
    );

    expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });

    expect(await subject.row()).toMatchObject({ secret_gen: before.secret_gen, sealed: before.sealed });
    await subject.passInDatabase(3_600);
    await subject.token();
    await subject.expectStoredTokensAlive();
  });
});
