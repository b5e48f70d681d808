import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { at, endAllTrouble, Subject, type TokenBody } from '../support/subject.js';
import { until } from '../support/until.js';
import { request } from '../../src/sandbox/testing/request.js';

const minuteMs = 60_000;

describe('refresh', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(() => endAllTrouble(application));
  afterAll(() => application.close());

  describe('of a token that has expired', () => {
    it.each(['whoop', 'garmin', 'fitbit', 'oura'])('happens once at %s and brings a token that works', async (slug) => {
      const subject = await Subject.link(application, slug);
      const first = await subject.token();
      await subject.expire();
      expect(subject.fake.isLiveAccessToken(first)).toBe(false);

      const second = await subject.token();
      expect(second).not.toBe(first);
      const api = await request(`${subject.fake.url}${subject.fake.definition.apiPath}`, {
        headers: { authorization: `Bearer ${second}` },
      });
      expect(api.statusCode).toBe(200);
      expect(await api.body.json()).toMatchObject({ ok: true, account_id: subject.account });
      expect(await subject.token()).toBe(second);
      expect(subject.refreshes).toMatchObject([{ outcome: 'ok', familyId: subject.familyId }]);
      await subject.expectStoredTokensAlive();
      const seen = await subject.look().expect(200);
      expect(seen.body).toMatchObject({ status: 'active', needs_relink: false, last_error: null });
      expect((seen.body as { last_refreshed_at: unknown }).last_refreshed_at).not.toBeNull();
    });

    it('happens once for a hundred callers at the same moment (R-03, R-11)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(at({ type: 'slow', ms: 100 }), Infinity);
      const responses = await Promise.all(Array.from({ length: 100 }, () => subject.token()));
      expect(new Set(responses).size).toBe(1);
      expect(subject.refreshes).toHaveLength(1);
      await subject.expectStoredTokensAlive();
    });

    it('works over ten rounds when the provider sends a new refresh token only sometimes (R-16)', async () => {
      const subject = await Subject.link(application, 'whoop');
      for (let round = 0; round < 10; round += 1) {
        const { refreshToken: before } = await subject.stored();
        const kept = round % 3 !== 2;
        if (kept) {
          subject.fake.misbehave(at({ type: round % 2 === 0 ? 'omitRefreshToken' : 'emptyRefreshToken' }));
        }
        await subject.expire();
        expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
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

    it.each(['whoop', 'garmin', 'oura'])('comes first at %s, where it may end the old token (R-17)', async (slug) => {
      const subject = await Subject.link(application, slug);
      const first = await subject.token();
      await subject.liveFor(5 * minuteMs - 5_000);
      const second = await subject.token();
      expect(second).not.toBe(first);
      expect(subject.fake.isLiveAccessToken(second)).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
    });

    it('runs behind the response at fitbit, where the old token continues working', async () => {
      const subject = await Subject.link(application, 'fitbit');
      const first = await subject.token();
      await subject.liveFor(4 * minuteMs);
      subject.fake.misbehave(at(held));
      expect(await subject.token()).toBe(first);
      expect(subject.fake.isLiveAccessToken(first)).toBe(true);
      // The response did not wait for the provider.
      expect((await subject.refreshInFlight()).outcome).toBe('ok');
      subject.fake.behave();
      await until('the new tokens are stored', async () => (await subject.row()).secret_gen === 2);
      const second = await subject.token();
      expect(second).not.toBe(first);
      expect(subject.fake.isLiveAccessToken(second)).toBe(true);
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

  describe('that meets an unlink or a new link', () => {
    it('never brings an unlinked connection back, and ends the successor at the provider (TE-11, R-19)', async () => {
      const subject = await Subject.link(application, 'whoop');
      subject.fake.misbehave(at(held));
      const refreshing = subject.refresh().then((response) => response);
      await subject.refreshInFlight();
      const unlinked = await subject.unlink().expect(200);
      expect(await subject.find()).toBeUndefined();
      // The refresh has ended the token that the unlink had: only the successor can end the grant.
      expect(unlinked.body).toMatchObject({ disconnected: true, provider_revocation: 'pending' });
      expect(subject.isGrantAlive).toBe(true);

      subject.fake.behave();
      const response = await refreshing;
      expect(response.status).toBe(404);
      expect(response.body).toMatchObject({ code: 'CONNECTION_NOT_FOUND' });
      expect(await subject.find()).toBeUndefined();
      expect(subject.isGrantAlive).toBe(false);
      expect(await subject.refusal()).toMatchObject({ status: 404, code: 'CONNECTION_NOT_FOUND' });
    });

    it('issues nothing of an unlinked connection, even when the refresh then fails (TE-11)', async () => {
      const subject = await Subject.link(application, 'fitbit');
      await subject.liveFor(30_000);
      subject.fake.misbehave(at({ ...held, processed: false }));
      const reading = subject.refusal();
      await subject.refreshInFlight();
      await subject.unlink().expect(200, { disconnected: true, provider_revocation: 'revoked' });
      subject.fake.behave();
      expect(await reading).toMatchObject({ status: 404, code: 'CONNECTION_NOT_FOUND' });
      expect(await subject.find()).toBeUndefined();
      expect(subject.isGrantAlive).toBe(false);
    });

    it.each([
      ['succeeds', at(held)],
      ['is refused', at({ ...held, processed: false })],
    ])('gives way to a new link: the refresh %s (AR-24, R-20)', async (outcome, wrong) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(wrong);
      const reading = subject.read().then((response) => response);
      await subject.refreshInFlight();
      if (outcome === 'is refused') {
        subject.fake.revokeGrant(subject.account);
      }
      await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
      const linked = await subject.stored();
      subject.fake.behave();

      const response = await reading;
      expect(response.status).toBe(200);
      expect((response.body as TokenBody).access_token).toBe(linked.accessToken);
      expect(await subject.stored()).toEqual(linked);
      await subject.expectStoredTokensAlive();
      expect(await subject.row()).toMatchObject({ status: 'active', secret_gen: 2, failed_attempts: 0 });
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
      expect(subject.fake.isLiveAccessToken(second)).toBe(true);
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
    it('is brought to its end, and no other is begun (R-23)', async () => {
      const { databaseUrl, rootKey, sandbox, clock } = application;
      const running = await Subject.link(application, 'fitbit');
      const late = await Subject.link(application, 'fitbit');
      await late.liveFor(4 * minuteMs);
      const stopping = await startApplication({ databaseUrl, rootKey, sandbox, clock });
      const read = ({ userId }: Subject) => stopping.api.get(`/v1/users/${userId}/connections/fitbit/token`);
      try {
        running.fake.misbehave(at(held));
        // Refreshed behind the response: no caller waits for it when the application stops.
        await read(running).expect(200);
        await running.refreshInFlight();
      } finally {
        const closing = stopping.close();
        await read(late).expect(200);
        running.fake.behave();
        await closing;
      }
      expect(running.refreshes).toMatchObject([{ familyId: running.familyId, outcome: 'ok' }]);
      expect(await running.row()).toMatchObject({ secret_gen: 2, lease_id: null, attempt_started_at: null });
      await running.expectStoredTokensAlive();
      expect(await late.row()).toMatchObject({ secret_gen: 1, lease_id: null, attempt_started_at: null });
      await late.expectStoredTokensAlive();
    });
  });
});
