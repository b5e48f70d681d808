import { describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { refreshes } from '../../src/tokens/tokens.metrics.js';
import { startApplication, type TestApplication } from '../support/application.js';
import {
  failing,
  faultyDatabase,
  FaultyDatabase,
  serializationFailure,
  useFaulty,
  unavailable,
} from '../support/faulty-database.js';
import { held } from '../support/fake-providers.js';
import { at, Subject } from '../support/subject.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { damageSealedTokens } from '../support/rows.js';
import { createMigratedDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('refresh', () => {
  let application: TestApplication;
  let database: FaultyDatabase;

  useFaulty((faulty) => ({ application, database } = faulty));

  describe('when the database fails', () => {
    it('is not started when the lease cannot be written (R-06)', async () => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      database.refuse = failing('connections-acquire-lease', 1, unavailable);
      expect(await subject.refusal()).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' });
      expect(subject.refreshes).toEqual([]);
      await subject.token();
      expect(subject.refreshes).toHaveLength(1);
    });

    it.each([
      ['cannot be reached', unavailable, 4],
      ['refuses the transaction', serializationFailure, 2],
    ])('still saves the new pair with one request to the provider: it %s (R-05)', async (_, error, times) => {
      const subject = await Subject.link(application, 'whoop');
      await subject.expire();
      database.refuse = failing('connections-save-refreshed', times, error);
      expect(subject.fake.isLiveAccessToken(await subject.token())).toBe(true);
      expect(subject.refreshes).toHaveLength(1);
      await subject.expectStoredTokensAlive();
      expect(await subject.row()).toMatchObject({ secret_gen: 2, lease_id: null, attempt_started_at: null });
    });

    it('R-05 saves the new pair when the line breaks between the response of the provider and the save', async () => {
      const target = await createMigratedDatabase();
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
        subject.fake.misbehave(at(held));
        const reading = subject.token();
        await subject.refreshInFlight();
        line.cut();
        subject.fake.behave();
        await until('it is saved again and again', () => saves >= 3);
        line.mend();
        expect(subject.fake.isLiveAccessToken(await reading)).toBe(true);
        expect(subject.refreshes).toHaveLength(1);
        await subject.expectStoredTokensAlive();
      } finally {
        line.mend();
        await cut.close();
        await line.stop();
      }
    });

    it('recognizes its own pair when only the response to the save was lost (R-05)', async () => {
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

    it('never issues a pair that it could not save (R-05)', async () => {
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
    it('spends nothing, releases the lease and leaves the others alone (R-25)', async () => {
      const poisoned = await Subject.link(application, 'whoop');
      const healthy = await Subject.link(application, 'whoop');
      await healthy.expire();
      await damageSealedTokens(application.databaseUrl, poisoned.userId);
      expect(await poisoned.refusal()).toMatchObject({ status: 500, code: 'TOKEN_UNREADABLE', act: 'operator' });
      expect(await poisoned.force()).toMatchObject({
        status: 500,
        code: 'TOKEN_UNREADABLE',
      });
      expect(poisoned.refreshes).toEqual([]);
      expect(await poisoned.row()).toMatchObject({
        status: 'active',
        lease_id: null,
        attempt_started_at: null,
        failed_attempts: 1,
        last_error_code: 'TOKEN_UNREADABLE',
        // A caller gets a token as soon as the key works again.
        retry_at: null,
      });
      await healthy.token();
      await healthy.expectStoredTokensAlive();
    });
  });
});
