import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { request } from 'undici';
import { Database } from '../src/database/database.js';
import type { Misbehaviour } from '../src/sandbox/misbehaviour.js';
import { refreshes } from '../src/tokens/tokens.metrics.js';
import { startApplication, type TestApplication } from './support/application.js';
import {
  failing,
  faultyDatabase,
  FaultyDatabase,
  serializationFailure,
  unavailable,
} from './support/faulty-database.js';
import { linkAccount } from './support/linking.js';
import { at, eventually, fingerprint, openGates, Subject, type TokenBody } from './support/subject.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { createTestDatabase, queryDatabase } from './support/test-database.js';

const minuteMs = 60_000;

/** Everything that can go wrong with a refresh that was not lost on the way, and what a caller is told. */
const failures: readonly { name: string; wrong: Misbehaviour; code: string; status: number }[] = [
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
  { name: 'an HTML page as HTTP 200', wrong: at({ type: 'html' }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
  { name: 'an empty HTTP 200', wrong: at({ type: 'emptyBody' }), code: 'PROVIDER_UNAVAILABLE', status: 503 },
  {
    name: 'a body that is too large',
    wrong: at({ type: 'hugeBody', bytes: 1_000_000 }),
    code: 'PROVIDER_UNAVAILABLE',
    status: 503,
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
  },
  {
    name: 'an answer without tokens',
    wrong: at({ type: 'status', code: 200, body: '{}', contentType: 'application/json' }),
    code: 'TOKEN_RESPONSE_INVALID',
    status: 502,
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
  { name: 'an opaque HTTP 400', wrong: at({ type: 'status', code: 400 }), code: 'TOKEN_REFRESH_PENDING', status: 503 },
  { name: 'an opaque HTTP 401', wrong: at({ type: 'status', code: 401 }), code: 'TOKEN_REFRESH_PENDING', status: 503 },
];

describe('refresh', () => {
  let application: TestApplication;
  let database: FaultyDatabase;

  beforeAll(async () => {
    application = await startApplication(faultyDatabase);
    database = application.app.get<FaultyDatabase>(Database);
  });
  afterEach(async () => {
    database.mend();
    await openGates(application);
    for (const slug of ['whoop', 'fitbit', 'garmin', 'oura']) {
      application.sandbox.maker(slug).behave();
    }
  });
  afterAll(() => application.close());

  describe('of a token that has expired', () => {
    it.each(['whoop', 'garmin', 'fitbit', 'oura'])('happens once at %s and brings a token that works', async (slug) => {
      const subject = await Subject.link(application, slug);
      const first = await subject.token();
      await subject.expire();
      expect(subject.maker.isLiveAccessToken(first)).toBe(false);

      const second = await subject.token();
      expect(second).not.toBe(first);
      const api = await request(`${subject.maker.url}${subject.maker.declaration.apiPath}`, {
        headers: { authorization: `Bearer ${second}` },
      });
      expect(api.statusCode).toBe(200);
      expect(await api.body.json()).toEqual({ ok: true, account_id: subject.account });
      expect(await subject.token()).toBe(second);
      expect(subject.refreshes).toMatchObject([{ outcome: 'ok', familyId: subject.familyId }]);
      await subject.expectStoredTokensAlive();
      const seen = await subject.look().expect(200);
      expect(seen.body).toMatchObject({ status: 'active', needs_relink: false, last_error: null });
      expect((seen.body as { last_refreshed_at: unknown }).last_refreshed_at).not.toBeNull();
    });

    it('R-03 R-11 happens once for a hundred callers at the same moment', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.maker.misbehave(at({ type: 'slow', ms: 100 }), Infinity);
      const answers = await Promise.all(Array.from({ length: 100 }, () => subject.token()));
      expect(new Set(answers).size).toBe(1);
      expect(subject.refreshes).toHaveLength(1);
      await subject.expectStoredTokensAlive();
    });

    it('R-16 goes on over ten rounds when the maker sends a new refresh token only now and then', async () => {
      const subject = await Subject.link(application, 'whoop');
      for (let round = 0; round < 10; round += 1) {
        const { refreshToken: before } = await subject.stored();
        const kept = round % 3 !== 2;
        if (kept) {
          subject.maker.misbehave(at({ type: round % 2 === 0 ? 'omitRefreshToken' : 'emptyRefreshToken' }));
        }
        await subject.expire();
        expect(subject.maker.isLiveAccessToken(await subject.token())).toBe(true);
        expect((await subject.stored()).refreshToken === before).toBe(kept);
      }
      expect(subject.refreshes.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'ok'));
      await subject.expectStoredTokensAlive();
    });
  });

  describe('of a token that is about to expire', () => {
    it('is not made while the token has more than five minutes left', async () => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(5 * minuteMs + 5_000);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toEqual([]);
    });

    it.each(['whoop', 'garmin', 'oura'])('R-17 comes first at %s, where it may end the old token', async (slug) => {
      const subject = await Subject.link(application, slug);
      const first = await subject.token();
      await subject.liveFor(5 * minuteMs - 5_000);
      const second = await subject.token();
      expect(second).not.toBe(first);
      expect(subject.maker.isLiveAccessToken(second)).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
    });

    it('runs behind the answer at fitbit, where the old token goes on working', async () => {
      const subject = await Subject.link(application, 'fitbit');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.maker.misbehave(at({ type: 'slow', ms: 300 }));
      expect(await subject.token()).toBe(first);
      expect(subject.maker.isLiveAccessToken(first)).toBe(true);
      // The answer did not wait for the maker.
      expect((await subject.refreshInFlight()).outcome).toBe('ok');
      await eventually(async () => ((await subject.row()).secret_gen === 2 ? true : undefined));
      const second = await subject.token();
      expect(second).not.toBe(first);
      expect(subject.maker.isLiveAccessToken(second)).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
    });

    it('comes first at fitbit too when less than a minute is left', async () => {
      const subject = await Subject.link(application, 'fitbit');
      const first = await subject.token();
      await subject.liveFor(55_000);
      expect(await subject.token()).not.toBe(first);
      expect(subject.refreshes).toHaveLength(1);
    });
  });

  describe('that fails', () => {
    it.each(failures)('does not withhold a token that still works: $name', async ({ wrong }) => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.maker.misbehave(wrong);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(1);
      // Nor during the pause that follows, in which the maker is left alone; its length is random, so it is made longer.
      await subject.passInDatabase(-60, ['retry_at']);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(15 * 60);
      expect(await subject.token()).not.toBe(first);
      await subject.expectStoredTokensAlive();
    });

    it.each([
      ['the answer is lost', at({ type: 'drop' })],
      ['the answer is lost after the maker has acted', at({ type: 'drop', processed: true })],
    ])('does not withhold a token that still works: %s', async (_, wrong) => {
      const subject = await Subject.link(application, 'fitbit');
      const first = await subject.token();
      await subject.liveFor(30_000);
      subject.maker.misbehave(wrong, 2);
      expect(await subject.token()).toBe(first);
      expect(subject.maker.isLiveAccessToken(first)).toBe(true);
      expect(subject.refreshes).toHaveLength(2);
    });

    it.each([
      ['the database does not take the claim', unavailable],
      ['a mistake of ours', () => new TypeError('a mistake of ours')],
    ])('does not withhold a token that still works: %s', async (_, error) => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      database.refuse = failing('connections-take-claim', 1, error);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toEqual([]);
    });

    it.each(failures)(
      'R-09 R-13 names $name once expired, loses nothing and recovers',
      async ({ wrong, code, status }) => {
        const subject = await Subject.link(application, 'whoop');
        await subject.expire();
        const before = await subject.row();
        subject.maker.misbehave(wrong);
        const first = await subject.refusal();
        expect(first).toMatchObject({ code, status });
        expect(first.retry_after_seconds).toBeGreaterThanOrEqual(1);

        const after = await subject.row();
        expect(after).toMatchObject({ status: 'active', secret_gen: 1, claim_id: null, attempt_started_at: null });
        expect(after.sealed.equals(before.sealed)).toBe(true);
        expect(after.failed_attempts).toBe(1);
        const seen = await subject.look().expect(200);
        expect(seen.body).toMatchObject({
          status: 'active',
          needs_relink: false,
          last_error: { code: after.last_error_code },
        });

        await subject.passInDatabase(-60, ['retry_at']);
        const second = await subject.refusal();
        expect(second).toMatchObject({ code, status });
        expect(second.retry_after_seconds).toBeGreaterThanOrEqual(59);
        expect(subject.refreshes).toHaveLength(1);

        await subject.passInDatabase(2 * 15 * 60);
        expect(subject.maker.isLiveAccessToken(await subject.token())).toBe(true);
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
    ])('R-10 is not repeated before the maker allows it: %s', async (_, status, header, seconds) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      const headers = { 'Retry-After': header(application.clock.now()) };
      subject.maker.misbehave(at({ type: 'status', code: status, headers }));
      const answer = await subject.read().expect(503);
      const { retry_after_seconds: asked } = answer.body as TokenBody;
      expect(Math.abs(asked - seconds)).toBeLessThanOrEqual(1);
      expect(answer.headers['retry-after']).toBe(String(asked));
      const { retry_at: retryAt, last_error_at: failedAt } = await subject.row();
      expect(Math.abs(Number(retryAt) - Number(failedAt) - seconds * 1_000)).toBeLessThanOrEqual(1_000);

      await subject.passInDatabase(seconds - 5);
      await subject.refusal();
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(5);
      await subject.token();
      expect(subject.refreshes).toHaveLength(2);
    });

    it('R-09 waits longer after each failure, up to a quarter of an hour', async () => {
      const random = jest.spyOn(Math, 'random').mockReturnValue(0.5);
      try {
        const subject = await Subject.link(application, 'whoop');
        await subject.expire();
        subject.maker.misbehave(at({ type: 'status', code: 503 }), Infinity);
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

  describe('that the maker refuses', () => {
    it.each([
      ['invalid_grant', at({ type: 'error', error: 'invalid_grant', status: 400 })],
      ['an opaque 400', at({ type: 'status', code: 400 })],
    ])('R-13 tells nobody to link anew after %s once, however often it is asked', async (_, wrong) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.maker.misbehave(wrong);
      for (let call = 0; call < 5; call += 1) {
        const refusal = await subject.refusal();
        expect(refusal).toMatchObject({ code: 'TOKEN_REFRESH_PENDING', act: 'caller' });
        expect(refusal.retry_after_seconds).toBeGreaterThan(290);
      }
      expect(await subject.force()).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING' });
      expect(subject.refreshes).toHaveLength(1);
      expect((await subject.row()).status).toBe('active');
    });

    it('R-13 does not end the connection by a second refusal that comes too early', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.maker.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }), 2);
      await subject.refusal();
      await subject.passInDatabase(301, ['retry_at']);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      expect(subject.refreshes).toHaveLength(2);
      expect((await subject.row()).status).toBe('active');
      await subject.passInDatabase(301);
      await subject.token();
      await subject.expectStoredTokensAlive();
    });

    it('R-13 R-14 ends the connection by a second refusal later, and hands the token out until it expires', async () => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.maker.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }), Infinity);
      expect(await subject.token()).toBe(first);
      await subject.passInDatabase(301);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(2);
      const seen = await subject.look().expect(200);
      expect(seen.body).toMatchObject({
        status: 'needs_relink',
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

      subject.maker.behave();
      await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
      expect((await subject.row()).status).toBe('active');
      expect(subject.maker.isLiveAccessToken(await subject.token())).toBe(true);
    });

    it('R-14 finds out with two calls that the user has withdrawn consent, and never calls again', async () => {
      const subject = await Subject.link(application, 'whoop');
      subject.maker.revokeGrant(subject.account);
      await subject.expire();
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      await subject.passInDatabase(301);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED', act: 'user' });
      await subject.passInDatabase(24 * 3_600);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED' });
      expect(subject.refreshes).toHaveLength(2);
    });

    it('TE-14 for our own client changes no connection, however often', async () => {
      const subjects = [await Subject.link(application, 'whoop'), await Subject.link(application, 'whoop')];
      const before = await Promise.all(subjects.map((subject) => subject.row()));
      await subjects[1]?.expire();
      application.sandbox
        .maker('whoop')
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
      application.sandbox.maker('whoop').behave();
      for (const subject of subjects) {
        await subject.token();
        await subject.expectStoredTokensAlive();
      }
    });
  });

  describe('whose answer is lost', () => {
    it('R-07 R-04 holds the refresh token back at a strict maker and spends it exactly once more', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      const { refreshToken } = await subject.stored();
      subject.maker.misbehave(at({ type: 'drop', processed: true }));
      const lost = await subject.refusal();
      expect(lost).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      expect(lost.retry_after_seconds).toBe(120);
      expect((await subject.row()).attempt_started_at).not.toBeNull();

      // The pause of the backoff is over, the hold is not.
      await subject.passInDatabase(60);
      const answers = await Promise.all(Array.from({ length: 10 }, () => subject.refusal()));
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING', act: 'caller' });
        expect(answer.retry_after_seconds).toBeGreaterThan(50);
        expect(answer.retry_after_seconds).toBeLessThanOrEqual(60);
      }
      expect(await subject.force()).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING' });
      expect(subject.refreshes).toHaveLength(1);
      expect(subject.isGrantAlive).toBe(true);

      await subject.passInDatabase(61);
      await Promise.all(Array.from({ length: 10 }, () => subject.refusal()));
      expect(subject.refreshes.map((entry) => entry.refreshTokenFingerprint)).toEqual([
        fingerprint(refreshToken),
        fingerprint(refreshToken),
      ]);
      // The maker took it for theft, as announced; even so only a confirmed refusal ends the connection.
      expect(await subject.row()).toMatchObject({ status: 'active', last_error_code: 'TOKEN_REVOKED' });
      await subject.passInDatabase(301);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED' });
    });

    it('R-07 loses nothing at a strict maker that never got the request', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.maker.misbehave(at({ type: 'drop' }));
      await subject.refusal();
      await subject.passInDatabase(60);
      await subject.refusal();
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(61);
      await subject.token();
      expect(subject.refreshes).toHaveLength(2);
      await subject.expectStoredTokensAlive();
    });

    it('R-07 is repeated without a hold at a maker that gives the same answer again', async () => {
      const subject = await Subject.link(application, 'fitbit');
      await subject.expire();
      const { refreshToken } = await subject.stored();
      subject.maker.misbehave(at({ type: 'drop', processed: true }), 5);
      expect(await subject.refusal()).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      await subject.passInDatabase(2, ['retry_at']);
      expect(await subject.refusal()).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      // However often it has failed before: the maker gives the answer again for two minutes only.
      await queryDatabase(application.databaseUrl, 'UPDATE connections SET failed_attempts = 20 WHERE user_id = $1', [
        subject.userId,
      ]);
      await subject.passInDatabase(2, ['retry_at']);
      expect(subject.maker.isLiveAccessToken(await subject.token())).toBe(true);
      expect(subject.refreshes).toHaveLength(6);
      expect(new Set(subject.refreshes.map((entry) => entry.refreshTokenFingerprint))).toEqual(
        new Set([fingerprint(refreshToken)]),
      );
      await subject.expectStoredTokensAlive();
    });

    it('R-26 is not in doubt when the maker could not be reached at all', async () => {
      const other = await startApplication({
        environment: {
          WHOOP_CLIENT_ID: 'sandbox-whoop-client',
          WHOOP_CLIENT_SECRET: 'unused-because-nobody-answers',
          WHOOP_TOKEN_URL: 'http://127.0.0.1:9/token',
        },
        databaseUrl: application.databaseUrl,
        rootKey: application.rootKey,
        sandbox: application.sandbox,
        clock: application.clock,
      });
      try {
        const subject = await Subject.link(application, 'whoop');
        await subject.expire();
        const answer = await other.api.get(`/v1/users/${subject.userId}/connections/whoop/token`);
        expect(answer.body).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
        expect(await subject.row()).toMatchObject({ claim_id: null, attempt_started_at: null, failed_attempts: 1 });
        await subject.passInDatabase(2, ['retry_at']);
        await subject.token();
        expect(subject.refreshes).toHaveLength(1);
      } finally {
        await other.close();
      }
    });
  });

  describe('that meets an unlink or a new link', () => {
    it('TE-11 R-19 never brings an unlinked connection back, and ends the successor at the maker', async () => {
      const subject = await Subject.link(application, 'whoop');
      subject.maker.misbehave(at({ type: 'slow', ms: 400 }));
      const refreshing = subject.refresh().then((response) => response);
      await subject.refreshInFlight();
      const unlinked = await subject.unlink().expect(200);
      expect(await subject.find()).toBeUndefined();
      // The refresh has ended the token that the unlink had: only the successor can end the grant.
      expect(unlinked.body).toMatchObject({ disconnected: true, provider_revocation: 'pending' });
      expect(subject.isGrantAlive).toBe(true);

      const answer = await refreshing;
      expect(answer.status).toBe(404);
      expect(answer.body).toMatchObject({ code: 'CONNECTION_NOT_FOUND' });
      expect(await subject.find()).toBeUndefined();
      expect(subject.isGrantAlive).toBe(false);
      expect(await subject.refusal()).toMatchObject({ status: 404, code: 'CONNECTION_NOT_FOUND' });
    });

    it('TE-11 hands out nothing of an unlinked connection, even when the refresh then fails', async () => {
      const subject = await Subject.link(application, 'fitbit');
      await subject.liveFor(30_000);
      subject.maker.misbehave(at({ type: 'slow', ms: 300, processed: false }));
      const reading = subject.refusal();
      await subject.refreshInFlight();
      await subject.unlink().expect(200, { disconnected: true, provider_revocation: 'revoked' });
      expect(await reading).toMatchObject({ status: 404, code: 'CONNECTION_NOT_FOUND' });
      expect(await subject.find()).toBeUndefined();
      expect(subject.isGrantAlive).toBe(false);
    });

    it.each([
      ['succeeds', at({ type: 'slow', ms: 400 })],
      ['is refused', at({ type: 'slow', ms: 400, processed: false })],
    ])('AR-24 R-20 gives way to a new link: the refresh %s', async (outcome, wrong) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.maker.misbehave(wrong);
      const reading = subject.read().then((response) => response);
      await subject.refreshInFlight();
      if (outcome === 'is refused') {
        subject.maker.revokeGrant(subject.account);
      }
      await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
      const linked = await subject.stored();

      const answer = await reading;
      expect(answer.status).toBe(200);
      expect((answer.body as TokenBody).access_token).toBe(linked.accessToken);
      expect(await subject.stored()).toEqual(linked);
      await subject.expectStoredTokensAlive();
      expect(await subject.row()).toMatchObject({ status: 'active', secret_gen: 2, failed_attempts: 0 });
    });
  });

  describe('when the database fails', () => {
    it('R-06 is not started when the claim cannot be written', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      database.refuse = failing('connections-take-claim', 1, unavailable);
      expect(await subject.refusal()).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' });
      expect(subject.refreshes).toEqual([]);
      await subject.token();
      expect(subject.refreshes).toHaveLength(1);
    });

    it.each([
      ['cannot be reached', unavailable, 4],
      ['refuses the transaction', serializationFailure, 2],
    ])('R-05 still saves the new pair with one request to the maker: it %s', async (_, error, times) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      database.refuse = failing('connections-save-refreshed', times, error);
      expect(subject.maker.isLiveAccessToken(await subject.token())).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
      await subject.expectStoredTokensAlive();
      expect(await subject.row()).toMatchObject({ secret_gen: 2, claim_id: null, attempt_started_at: null });
    });

    it('R-05 saves the new pair when the line breaks between the answer of the maker and the save', async () => {
      const target = await createTestDatabase();
      const line = await TcpProxy.start(target);
      const cut = await startApplication({ ...faultyDatabase, databaseUrl: line.through(target) });
      try {
        const subject = await Subject.link(cut, 'whoop');
        await subject.expire();
        let saves = 0;
        cut.app.get<FaultyDatabase>(Database).refuse = ({ name }) => {
          saves += name === 'connections-save-refreshed' ? 1 : 0;
          return undefined;
        };
        subject.maker.misbehave(at({ type: 'slow', ms: 200 }));
        const reading = subject.token();
        await subject.refreshInFlight();
        line.cut();
        await eventually(() => (saves >= 3 ? true : undefined));
        line.mend();
        expect(subject.maker.isLiveAccessToken(await reading)).toBe(true);
        expect(subject.refreshes).toHaveLength(1);
        await subject.expectStoredTokensAlive();
      } finally {
        line.mend();
        await cut.close();
        await line.stop();
      }
    });

    it('R-05 recognises its own pair when only the answer to the save was lost', async () => {
      const superseded = async () => {
        const { values } = await refreshes.get();
        return values.reduce((sum, { labels, value }) => sum + (labels.outcome === 'superseded' ? value : 0), 0);
      };
      const before = await superseded();
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      database.lose = failing('connections-save-refreshed', 1, unavailable);
      const token = await subject.token();
      expect(subject.refreshes).toHaveLength(1);
      expect((await subject.stored()).accessToken).toBe(token);
      await subject.expectStoredTokensAlive();
      expect(await superseded()).toBe(before);
    });

    it('R-05 never hands out a pair that it could not save', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      let saved = false;
      database.lose = ({ name }) => {
        saved ||= name === 'connections-save-refreshed';
        return undefined;
      };
      database.refuse = failing('connections-save-refreshed', 3, unavailable);
      const reading = subject.token().then((token) => ({ token, savedBefore: saved }));
      expect((await reading).savedBefore).toBe(true);
    });
  });

  describe('of a row that cannot be opened', () => {
    it('R-25 spends nothing, gives the claim back and leaves the others alone', async () => {
      const poisoned = await Subject.link(application, 'whoop');
      const healthy = await Subject.link(application, 'whoop');
      await healthy.expire();
      await queryDatabase(
        application.databaseUrl,
        `UPDATE connections SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)
         WHERE user_id = $1`,
        [poisoned.userId],
      );
      expect(await poisoned.refusal()).toMatchObject({ status: 500, code: 'TOKEN_UNREADABLE', act: 'operator' });
      expect(await poisoned.force()).toMatchObject({
        status: 500,
        code: 'TOKEN_UNREADABLE',
      });
      expect(poisoned.refreshes).toEqual([]);
      expect(await poisoned.row()).toMatchObject({
        status: 'active',
        claim_id: null,
        attempt_started_at: null,
        failed_attempts: 1,
        last_error_code: 'TOKEN_UNREADABLE',
        // Whoever asks once the key is mended is served at once.
        retry_at: null,
      });
      await healthy.token();
      await healthy.expectStoredTokensAlive();
    });
  });

  describe('on request', () => {
    it('is made once however much life the token has', async () => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      const refreshed = await subject.refresh().expect(200);
      expect(refreshed.body).toMatchObject({ status: 'active', provider: 'whoop', last_error: null });
      const second = await subject.token();
      expect(second).not.toBe(first);
      expect(subject.maker.isLiveAccessToken(second)).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
    });

    it.each(['garmin-oauth1', 'fitbit-oauth1'])('is refused at %s, whose tokens do not expire', async (slug) => {
      const subject = await Subject.link(application, slug);
      expect(await subject.force()).toMatchObject({ status: 409, code: 'CONNECTION_NOT_REFRESHABLE' });
      expect(await subject.row()).toMatchObject({
        failed_attempts: 0,
        attempt_started_at: null,
        last_error_code: null,
      });
      await subject.read().expect(200);
    });
  });

  describe('while the application stops', () => {
    it('R-23 is brought to its end, and no other is begun', async () => {
      const { databaseUrl, rootKey, sandbox, clock } = application;
      const running = await Subject.link(application, 'fitbit');
      const late = await Subject.link(application, 'fitbit');
      await late.liveFor(4 * minuteMs);
      const stopping = await startApplication({ databaseUrl, rootKey, sandbox, clock });
      const read = ({ userId }: Subject) => stopping.api.get(`/v1/users/${userId}/connections/fitbit/token`);
      try {
        running.maker.misbehave(at({ type: 'slow', ms: 2_000 }));
        // Refreshed behind the answer: no caller waits for it when the application stops.
        await read(running).expect(200);
        await running.refreshInFlight();
      } finally {
        const closing = stopping.close();
        await read(late).expect(200);
        await closing;
      }
      expect(running.refreshes).toMatchObject([{ familyId: running.familyId, outcome: 'ok' }]);
      expect(await running.row()).toMatchObject({ secret_gen: 2, claim_id: null, attempt_started_at: null });
      await running.expectStoredTokensAlive();
      expect(await late.row()).toMatchObject({ secret_gen: 1, claim_id: null, attempt_started_at: null });
      await late.expectStoredTokensAlive();
    });
  });
});
