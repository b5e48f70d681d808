import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { KeyUnavailableError } from '../../src/errors/connection.errors.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { toTokenSet } from '../../src/tokens/token-set.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import { refreshes } from '../../src/tokens/tokens.metrics.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { failing, useFaulty, FaultyDatabase, unavailable } from '../support/faulty-database.js';
import { at, confirmationSeconds, fingerprint, Subject } from '../support/subject.js';
import { changeRows } from '../support/rows.js';

const retryLater =
  '{"error":"invalid_request","error_description":"Failed to refresh token because of multiple concurrent requests using the ' +
  'same token which is not allowed. Please retry the request."}';

/** Refreshes whose tokens were not the ones that were stored. */
async function superseded(): Promise<number> {
  const { values } = await refreshes.get();
  return values.reduce((sum, { labels, value }) => sum + (labels.outcome === 'superseded' ? value : 0), 0);
}

describe('recovery of a refresh', () => {
  let application: TestApplication;
  let database: FaultyDatabase;

  useFaulty((faulty) => ({ application, database } = faulty));
  afterEach(() => {
    jest.restoreAllMocks();
    application.sandbox.provider('concept2').behave();
  });

  describe('when the response is lost', () => {
    it('sends the same refresh token again at once to a provider that gives the same response again (R-07)', async () => {
      const subject = await Subject.link(application, 'fitbit');
      await subject.expire();
      const { refreshToken } = await subject.stored();
      subject.fake.misbehave(at({ type: 'drop', processed: true }));
      expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
      expect(subject.refreshes.map((entry) => entry.refreshTokenFingerprint)).toEqual([
        fingerprint(refreshToken),
        fingerprint(refreshToken),
      ]);
      await subject.expectStoredTokensAlive();
    });

    it('does not at a strict provider (R-07)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(at({ type: 'drop' }));
      await subject.refusal();
      expect(subject.refreshes).toHaveLength(1);
    });

    it('holds the refresh token back at a strict provider and spends it exactly once more (R-07, R-04)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      const { refreshToken } = await subject.stored();
      subject.fake.misbehave(at({ type: 'drop', processed: true }));
      const lost = await subject.refusal();
      expect(lost).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      expect(lost.retry_after_seconds).toBeGreaterThan(110);
      expect(lost.retry_after_seconds).toBeLessThanOrEqual(120);
      expect((await subject.row()).attempt_started_at).not.toBeNull();

      // The pause of the backoff is over, the hold is not.
      await subject.passInDatabase(60);
      const responses = await Promise.all(Array.from({ length: 10 }, () => subject.refusal()));
      for (const response of responses) {
        expect(response).toMatchObject({ status: 503, code: 'TOKEN_REFRESH_PENDING', act: 'caller' });
        expect(response.retry_after_seconds).toBeGreaterThan(50);
        expect(response.retry_after_seconds).toBeLessThanOrEqual(60);
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
      // The provider took it for theft, as announced; even so only a confirmed refusal ends the connection.
      expect(await subject.row()).toMatchObject({ status: 'active', last_error_code: 'TOKEN_REVOKED' });
      await subject.passInDatabase(confirmationSeconds + 1);
      expect(await subject.refusal()).toMatchObject({ status: 409, code: 'TOKEN_REVOKED' });
    });

    it('loses nothing at a strict provider that never got the request (R-07)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      subject.fake.misbehave(at({ type: 'drop' }));
      await subject.refusal();
      await subject.passInDatabase(60);
      await subject.refusal();
      expect(subject.refreshes).toHaveLength(1);
      await subject.passInDatabase(61);
      await subject.token();
      expect(subject.refreshes).toHaveLength(2);
      await subject.expectStoredTokensAlive();
    });

    it('is repeated without a hold at a provider that gives the same response again (R-07)', async () => {
      const subject = await Subject.link(application, 'fitbit');
      await subject.expire();
      const { refreshToken } = await subject.stored();
      subject.fake.misbehave(at({ type: 'drop', processed: true }), 5);
      expect(await subject.refusal()).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      await subject.passInDatabase(2, ['retry_at']);
      expect(await subject.refusal()).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
      // However often it has failed before: the provider gives the response again for two minutes only.
      await changeRows(application.databaseUrl, 'connections', { failed_attempts: 20 }, { user_id: subject.userId });
      await subject.passInDatabase(2, ['retry_at']);
      expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
      expect(subject.refreshes).toHaveLength(6);
      expect(new Set(subject.refreshes.map((entry) => entry.refreshTokenFingerprint))).toEqual(
        new Set([fingerprint(refreshToken)]),
      );
      await subject.expectStoredTokensAlive();
    });

    it('is not in doubt when the provider could not be reached at all (R-26)', async () => {
      const other = await startApplication({
        environment: {
          WHOOP_CLIENT_ID: 'sandbox-whoop-client',
          WHOOP_CLIENT_SECRET: 'unused-because-nobody-responds',
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
        const response = await other.api.get(`/v1/users/${subject.userId}/connections/whoop/token`);
        expect(response.body).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
        expect(await subject.row()).toMatchObject({ lease_id: null, attempt_started_at: null, failed_attempts: 1 });
        await subject.passInDatabase(2, ['retry_at']);
        await subject.token();
        expect(subject.refreshes).toHaveLength(1);
      } finally {
        await other.close();
      }
    });
  });

  it.each([
    ['HTTP 409', at({ type: 'error', error: 'conflict', status: 409 })],
    ['the text of Fosite', at({ type: 'status', code: 400, body: retryLater, contentType: 'application/json' })],
  ])('takes a conflict for neither a refusal nor an outage: %s (R-13, R-09)', async (_, wrong) => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    for (let attempt = 0; attempt < 12; attempt += 1) {
      subject.fake.misbehave(wrong);
      expect(await subject.refusal()).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      await changeRows(application.databaseUrl, 'connections', { failed_attempts: 0 });
      await subject.passInDatabase(900);
    }
    expect(await subject.row()).toMatchObject({ status: 'active', suspect_since: null });
    await subject.token();
    await subject.expectStoredTokensAlive();
  });

  describe('when two refreshes of one token have succeeded', () => {
    /** A rival saves another pair of the same provider first; then ends the grant of that pair. */
    async function withRival(): Promise<Subject> {
      const subject = await Subject.link(application, 'whoop');
      const other = await Subject.link(application, 'whoop');
      await subject.expire();
      const store = application.app.get(ConnectionStore);
      const vault = application.app.get(TokenVault);
      const provider = application.app.get(ProviderRegistry).get('whoop');
      const refresh = provider.refresh.bind(provider);
      jest.spyOn(provider, 'refresh').mockImplementationOnce(async (tokens) => {
        const tokenResponse = await refresh(tokens);
        const rivals = await refresh(await other.stored());
        const connection = await store.find(subject.userId, 'whoop');
        if (connection === undefined) {
          throw new Error('There is no such connection.');
        }
        const set = { ...toTokenSet(rivals, await subject.stored()), expiresAt: new Date(0) };
        const sealed = vault.seal({ ...connection, secretGen: connection.secretGen + 1 }, set);
        await store.saveRefreshed(connection, sealed);
        return tokenResponse;
      });
      await subject.refresh();
      subject.fake.revokeGrant(other.account);
      await subject.passInDatabase(3_600);
      return subject;
    }

    it('keeps the pair that came second, and tries it before a refusal counts (R-15)', async () => {
      const subject = await withRival();
      expect((await subject.stored()).spareRefreshToken).toBeDefined();
      expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
      expect(await subject.row()).toMatchObject({ status: 'active', suspect_since: null, last_error_code: null });
      expect((await subject.stored()).spareRefreshToken).toBeUndefined();
      await subject.expectStoredTokensAlive();
    });

    it('without the second pair: the connection is lost (R-15)', async () => {
      jest.spyOn(application.app.get(ConnectionStore), 'saveSpare').mockResolvedValue(false);
      const subject = await withRival();
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      await subject.passInDatabase(confirmationSeconds + 1);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });
    });

    it('forgets the second pair once it is spent, also where the rest of its response is refused (R-15, TE-04)', async () => {
      const subject = await withRival();
      const { spareRefreshToken } = await subject.stored();
      // The first refresh token is refused, and the second one brings a refresh token that is all that can be used.
      subject.fake.misbehave(at({ type: 'error', error: 'invalid_grant', status: 400 }));
      subject.fake.misbehave(at({ type: 'badTokenType' }));
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });

      const stored = await subject.stored();
      expect(stored.spareRefreshToken).toBeUndefined();
      expect(stored.refreshToken).not.toBe(spareRefreshToken);
      expect(subject.fake.isLiveRefreshToken(stored.refreshToken ?? '')).toBe(true);
      await subject.passInDatabase(3_600);
      await subject.token();
      await subject.expectStoredTokensAlive();
    });

    it('counts a refusal of both (R-15)', async () => {
      const subject = await withRival();
      subject.fake.revokeGrant(subject.account);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
      await subject.passInDatabase(confirmationSeconds + 1);
      expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });
    });
  });

  it('recognizes its own pair although other keys have sealed it in the meantime (R-05, R-21)', async () => {
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    const store = application.app.get(ConnectionStore);
    const vault = application.app.get(TokenVault);
    const find = store.find.bind(store);
    let isSaved = false;
    const loseFirst = failing('connections-save-refreshed', 1, unavailable);
    database.lose = (statement) => {
      const loss = loseFirst(statement);
      isSaved ||= loss !== undefined;
      return loss;
    };
    jest.spyOn(store, 'find').mockImplementation(async (userId, provider) => {
      const connection = await find(userId, provider);
      if (isSaved && connection !== undefined) {
        const { sealed } = vault.seal(connection, await vault.open(connection));
        await changeRows(application.databaseUrl, 'connections', { sealed }, { user_id: userId });
        return { ...connection, sealed };
      }
      return connection;
    });
    const before = await superseded();
    const token = await subject.token();
    expect(isSaved).toBe(true);
    expect((await subject.stored()).accessToken).toBe(token);
    expect(await superseded()).toBe(before);
    expect((await subject.row()).secret_gen).toBe(2);
    await subject.expectStoredTokensAlive();
  });

  describe('when the keys are out of reach', () => {
    const outOfReach = (): never => {
      throw new KeyUnavailableError('the key source does not respond');
    };

    it('is not begun, and the refresh token is not spent (CR-14)', async () => {
      const subject = await Subject.link(application, 'whoop');
      const first = await subject.token();
      await subject.liveFor(120_000);
      const vault = application.app.get(VaultService);
      jest.spyOn(vault, 'ensureCanSeal').mockImplementation(outOfReach);
      jest.spyOn(vault, 'seal').mockImplementation(outOfReach);
      expect(await subject.token()).toBe(first);
      await subject.expire();
      expect(await subject.refusal()).toMatchObject({ act: 'operator' });
      expect(subject.refreshes).toEqual([]);
      expect(await subject.row()).toMatchObject({ status: 'active', lease_id: null, attempt_started_at: null });
      jest.restoreAllMocks();
      await subject.token();
      await subject.expectStoredTokensAlive();
    });

    it('without the check: the provider has rotated, and nobody has the new pair (CR-14)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      const vault = application.app.get(VaultService);
      jest.spyOn(vault, 'ensureCanSeal').mockReturnValue();
      jest.spyOn(vault, 'seal').mockImplementation(outOfReach);
      await subject.refusal();
      expect(subject.refreshes).toMatchObject([{ outcome: 'ok' }]);
      const { refreshToken } = await subject.stored();
      expect(subject.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(false);
    });
  });

  describe('of a token without a lifetime from the provider', () => {
    async function linkWithoutLife(): Promise<Subject> {
      application.sandbox.provider('concept2').misbehave({ endpoint: 'token', type: 'omitExpiresIn' });
      return Subject.link(application, 'concept2');
    }

    it('happens after an hour, and says that nobody knows', async () => {
      const subject = await linkWithoutLife();
      const first = await subject.token();
      expect((await subject.look().expect(200)).body).toMatchObject({ expires_at: null });
      application.clock.advance(50 * 60_000);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toEqual([]);
      application.clock.advance(6 * 60_000);
      expect(await subject.token()).not.toBe(first);
      expect(subject.refreshes).toHaveLength(1);
    });

    it('withholds nothing when it fails, however late', async () => {
      const subject = await linkWithoutLife();
      const first = await subject.token();
      application.clock.advance(30 * 24 * 3_600_000);
      subject.fake.misbehave(at({ type: 'status', code: 503 }), Infinity);
      expect(await subject.token()).toBe(first);
      expect(subject.refreshes).toHaveLength(1);
    });
  });
});
