import { describe, expect, it, jest } from '@jest/globals';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { type TestApplication } from '../support/application.js';
import { failing, useFaulty, FaultyDatabase, unavailable } from '../support/faulty-database.js';
import { linkAccount } from '../support/linking.js';
import { at, confirmationSeconds, Subject, type TokenBody } from '../support/subject.js';

const minuteMs = 60_000;
/** The longest pause after a failure: an hour after HTTP 410. */
const longestPauseSeconds = 3_600;

/** Everything that can go wrong with a refresh that was not lost on the way, and what a caller is told. */
const failures: readonly {
  name: string;
  wrong: Misbehaviour;
  code: string;
  status: number;
  /** A success that cannot be read: the refresh token may be spent. */
  inDoubt?: true;
}[] = [
  { name: 'HTTP 503', wrong: at({ type: 'status', code: 503 }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
  { name: 'HTTP 429', wrong: at({ type: 'status', code: 429 }), code: 'PROVIDER_RATE_LIMITED', status: 503 },
  {
    name: 'HTTP 409',
    wrong: at({ type: 'error', error: 'conflict', status: 409 }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
  },
  {
    name: 'a redirect',
    wrong: at({ type: 'redirect', status: 307, location: 'http://127.0.0.1:9/' }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
  },
  {
    name: 'an HTML page as HTTP 200',
    wrong: at({ type: 'html' }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
    inDoubt: true,
  },
  {
    name: 'an empty HTTP 200',
    wrong: at({ type: 'emptyBody' }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
    inDoubt: true,
  },
  {
    name: 'a body that is too large',
    wrong: at({ type: 'hugeBody', bytes: 1_100_000 }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
    inDoubt: true,
  },
  {
    name: 'temporarily_unavailable',
    wrong: at({ type: 'error', error: 'temporarily_unavailable', status: 400 }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
  },
  {
    name: 'temporarily_unavailable inside HTTP 200',
    wrong: at({ type: 'errorIn200', error: 'temporarily_unavailable' }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
  },
  {
    name: 'a token type that is not bearer',
    wrong: at({
      type: 'status',
      code: 200,
      body: '{"access_token":"at","token_type":"mac"}',
      contentType: 'application/json',
    }),
    code: 'TOKEN_RESPONSE_INVALID',
    status: 502,
    inDoubt: true,
  },
  {
    name: 'a response without tokens',
    wrong: at({ type: 'status', code: 200, body: '{}', contentType: 'application/json' }),
    code: 'TOKEN_RESPONSE_INVALID',
    status: 502,
    inDoubt: true,
  },
  {
    name: 'invalid_client',
    wrong: at({ type: 'error', error: 'invalid_client', status: 401 }),
    code: 'PROVIDER_MISCONFIGURED',
    status: 500,
  },
  {
    name: 'unauthorized_client',
    wrong: at({ type: 'error', error: 'unauthorized_client', status: 400 }),
    code: 'PROVIDER_MISCONFIGURED',
    status: 500,
  },
  {
    name: 'invalid_scope',
    wrong: at({ type: 'error', error: 'invalid_scope', status: 400 }),
    code: 'PROVIDER_MISCONFIGURED',
    status: 500,
  },
  {
    name: 'invalid_request',
    wrong: at({ type: 'error', error: 'invalid_request', status: 400 }),
    code: 'PROVIDER_MISCONFIGURED',
    status: 500,
  },
  {
    name: 'invalid_grant',
    wrong: at({ type: 'error', error: 'invalid_grant', status: 400 }),
    code: 'TOKEN_REFRESH_PENDING',
    status: 503,
  },
  {
    name: 'invalid_grant inside HTTP 200',
    wrong: at({ type: 'errorIn200', error: 'invalid_grant' }),
    code: 'TOKEN_REFRESH_PENDING',
    status: 503,
  },
  { name: 'an opaque HTTP 400', wrong: at({ type: 'status', code: 400 }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
  { name: 'an opaque HTTP 401', wrong: at({ type: 'status', code: 401 }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
  { name: 'HTTP 410', wrong: at({ type: 'status', code: 410 }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
];

describe('refresh', () => {
  let application: TestApplication;
  let database: FaultyDatabase;

  useFaulty((faulty) => ({ application, database } = faulty));

  describe('that fails', () => {
    it.each(failures)('does not withhold a token that still works: $name', async ({ wrong }) => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.fake.misbehave(wrong);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(1);
      // Nor during the pause that follows, in which the provider is left alone; its length is random, so it is made
      // longer.
      await subject.passInDatabase(-600, ['retry_at']);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(longestPauseSeconds + 600);
      expect(await subject.token()).not.toBe(first);
      await subject.expectStoredTokensAlive();
    });

    it.each([
      ['the response is lost', at({ type: 'drop' })],
      ['the response is lost after the provider has acted', at({ type: 'drop', processed: true })],
    ])('does not withhold a token that still works: %s', async (_, wrong) => {
      const subject = await Subject.link(application, 'fitbit');
      const first = await subject.token();
      await subject.liveFor(30_000);
      subject.fake.misbehave(wrong, 2);
      expect(await subject.token()).toBe(first);
      expect(subject.fake.isLiveAccessToken(first)).toBe(true);
      expect(subject.refreshes).toHaveLength(2);
    });

    it.each([
      ['the database does not take the lease', unavailable],
      ['a mistake of ours', () => new TypeError('a mistake of ours')],
    ])('does not withhold a token that still works: %s', async (_, error) => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      database.refuse = failing('connections-acquire-lease', 1, error);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toEqual([]);
    });

    it.each(failures)(
      'names $name once expired, loses nothing and recovers (R-09, R-13)',
      async ({ wrong, code, status, inDoubt }) => {
        const subject = await Subject.link(application, 'whoop');
        await subject.expire();
        const before = await subject.row();
        subject.fake.misbehave(wrong);
        const first = await subject.refusal();
        expect(first).toMatchObject({ code, status });
        expect(first.retry_after_seconds).toBeGreaterThanOrEqual(1);

        const after = await subject.row();
        expect(after).toMatchObject({ status: 'active', secret_gen: 1, lease_id: null });
        expect(after.attempt_started_at !== null).toBe(inDoubt ?? false);
        expect(after.sealed.equals(before.sealed)).toBe(true);
        expect(after.failed_attempts).toBe(1);
        const seen = await subject.look().expect(200);
        expect(seen.body).toMatchObject({
          status: 'active',
          needs_relink: false,
          last_error: { code: after.last_error_code },
        });

        await subject.passInDatabase(-600, ['retry_at']);
        const second = await subject.refusal();
        expect(second).toMatchObject({ code, status });
        expect(second.retry_after_seconds).toBeGreaterThan(550);
        expect(subject.refreshes).toHaveLength(1);

        await subject.passInDatabase(longestPauseSeconds + 600);
        expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
        expect(subject.refreshes).toHaveLength(2);
        expect(subject.isGrantAlive).toBe(true);
        await subject.expectStoredTokensAlive();
        expect(await subject.row()).toMatchObject({
          status: 'active',
          failed_attempts: 0,
          retry_at: null,
          suspect_since: null,
          last_error_code: null,
        });
      },
    );

    it.each([
      ['seconds with 429', 429, () => '120', 120],
      ['a date with 429', 429, (now: Date) => new Date(now.getTime() + 180_000).toUTCString(), 180],
      ['seconds with 503', 503, () => '240', 240],
    ])('is not repeated before the provider allows it: %s (R-10)', async (_, status, header, seconds) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      const askedAtMs = Date.now();
      const headers = { 'Retry-After': header(application.clock.now()) };
      subject.fake.misbehave(at({ type: 'status', code: status, headers }));
      const response = await subject.read().expect(503);
      const { retry_after_seconds: asked } = response.body as TokenBody;
      // A date has whole seconds, and comes closer while the response is under way.
      const leastSeconds = seconds - 1 - (Date.now() - askedAtMs) / 1_000;
      expect(asked).toBeGreaterThanOrEqual(leastSeconds);
      expect(asked).toBeLessThanOrEqual(seconds + 1);
      expect(response.headers['retry-after']).toBe(String(asked));
      const { retry_at: retryAt, last_error_at: failedAt } = await subject.row();
      const pauseSeconds = (Number(retryAt) - Number(failedAt)) / 1_000;
      expect(pauseSeconds).toBeGreaterThanOrEqual(leastSeconds);
      expect(pauseSeconds).toBeLessThanOrEqual(seconds + 1);

      await subject.passInDatabase(seconds - 5);
      await subject.refusal();
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(5);
      await subject.token();
      expect(subject.refreshes).toHaveLength(2);
    });

    it('waits longer after each failure, up to a quarter of an hour (R-09)', async () => {
      const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
      try {
        const subject = await Subject.link(application, 'whoop');
        await subject.expire();
        subject.fake.misbehave(at({ type: 'status', code: 503 }), Infinity);
        const pauses: number[] = [];
        for (let attempt = 1; attempt <= 13; attempt += 1) {
          await subject.refusal();
          const row = await subject.row();
          expect(row.failed_attempts).toBe(attempt);
          pauses.push(Number(row.retry_at) - Number(row.last_error_at));
          await subject.passInDatabase(15 * 60);
        }
        expect(pauses).toEqual([
          500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 450_000, 450_000, 450_000,
        ]);
        expect(subject.refreshes).toHaveLength(13);
      } finally {
        random.mockRestore();
      }
    });
  });

  describe('that the provider refuses', () => {
    it.each([
      ['invalid_grant', at({ type: 'error', error: 'invalid_grant', status: 400 })],
      [
        'invalid_grant as text/plain',
        at({ type: 'error', error: 'invalid_grant', status: 400, contentType: 'text/plain' }),
      ],
    ])('tells nobody to link again after %s once, however often it is asked (R-13)', async (_, wrong) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(wrong);
      for (let call = 0; call < 5; call += 1) {
        const refusal = await subject.refusal();
        expect(refusal).toMatchObject({ code: 'TOKEN_REFRESH_PENDING', act: 'caller' });
        expect(refusal.retry_after_seconds).toBeGreaterThan(290);
      }
      expect(await subject.force()).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING' });
      expect(subject.refreshes).toHaveLength(1);
      expect((await subject.row()).status).toBe('active');
    });

    it.each([
      ['an empty 403', at({ type: 'status', code: 403 })],
      [
        'a problem document',
        at({ type: 'status', code: 403, body: '{"title":"Request blocked"}', contentType: 'application/problem+json' }),
      ],
      ['a code nobody knows', at({ type: 'error', error: 'rate_limit_exceeded', status: 400 })],
    ])('ends no connection by %s, however often and long it comes (R-13)', async (_, wrong) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(wrong, 4);
      for (let round = 0; round < 4; round += 1) {
        expect(await subject.refusal()).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
        expect(await subject.row()).toMatchObject({ status: 'active', suspect_since: null, attempt_started_at: null });
        await subject.passInDatabase(24 * 3_600);
      }
      await subject.token();
      await subject.expectStoredTokensAlive();
    });

    it('does not end the connection by a second refusal that comes too early (R-13)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }), 2);
      await subject.refusal();
      await subject.passInDatabase(301);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      expect(subject.refreshes).toHaveLength(2);
      expect((await subject.row()).status).toBe('active');
      await subject.passInDatabase(confirmationSeconds);
      await subject.token();
      await subject.expectStoredTokensAlive();
    });

    it('ends the connection by a second refusal later, and hands the token out until it expires (R-13, R-14)', async () => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.fake.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }), Infinity);
      expect(await subject.token()).toBe(first);
      const suspected = await subject.look().expect(200);
      expect(suspected.body).toMatchObject({ status: 'active', reason: 'refusal_unconfirmed', needs_relink: false });
      await subject.passInDatabase(confirmationSeconds + 1);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(2);
      const seen = await subject.look().expect(200);
      expect(seen.body).toMatchObject({
        status: 'needs_relink',
        reason: 'grant_refused',
        needs_relink: true,
        last_error: { code: 'TOKEN_REVOKED' },
      });

      await subject.passInDatabase(24 * 3_600);
      expect(await subject.token()).toBe(first);
      await subject.expire();
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED', act: 'user' });
      expect(await subject.force()).toMatchObject({
        status: 409,
        code: 'TOKEN_REVOKED',
      });
      expect(subject.refreshes).toHaveLength(2);

      subject.fake.behave();
      await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
      expect((await subject.row()).status).toBe('active');
      expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
    });

    it('finds out with three calls within 80 minutes that the user has withdrawn consent (R-14)', async () => {
      const subject = await Subject.link(application, 'whoop');
      subject.fake.revokeGrant(subject.account);
      await subject.expire();
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      await subject.passInDatabase(301);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      await subject.passInDatabase(80 * 60 - 301);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED', act: 'user' });
      // No caller makes a further attempt; one a day is the scheduler's.
      await subject.passInDatabase(24 * 3_600);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED' });
      expect(subject.refreshes).toHaveLength(3);
    });

    it('for our own client changes no connection, however often (TE-14)', async () => {
      const subjects = [await Subject.link(application, 'whoop'), await Subject.link(application, 'whoop')];
      const before = await Promise.all(subjects.map((subject) => subject.row()));
      await subjects[1]?.expire();
      application.sandbox
        .provider('whoop')
        .misbehave(at({ type: 'error', error: 'invalid_client', status: 401 }), Infinity);
      for (let round = 0; round < 3; round += 1) {
        for (const subject of subjects) {
          expect(await subject.refusal()).toMatchObject({
            status: 500,
            code: 'PROVIDER_MISCONFIGURED',
            act: 'operator',
          });
          await subject.passInDatabase(15 * 60);
        }
      }
      for (const [index, subject] of subjects.entries()) {
        const row = await subject.row();
        expect(row).toMatchObject({ status: 'active', secret_gen: 1, suspect_since: null });
        expect(row.sealed.equals(before[index]?.sealed ?? Buffer.of())).toBe(true);
      }
      application.sandbox.provider('whoop').behave();
      for (const subject of subjects) {
        await subject.token();
        await subject.expectStoredTokensAlive();
      }
    });
  });
});
