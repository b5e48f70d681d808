import { describe, expect, it } from '@jest/globals';
import { type ApplicationOptions, startApplication, type TestApplication } from '../support/application.js';
import { held } from '../support/fake-providers.js';
import { at, Subject } from '../support/subject.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const slug = 'whoop';
const connectionCount = 6;

describe('a refresh with a response after the time limit', () => {
  /** Asks for expired tokens at a provider that decides at once, and responds when it is told to behave. */
  async function startLate(environment: NonNullable<ApplicationOptions['environment']>) {
    const application = await startApplication({ environment });
    const subjects: Subject[] = [];
    for (let index = 0; index < connectionCount; index += 1) {
      subjects.push(await Subject.link(application, slug));
    }
    // One clock for all of them.
    await subjects[0]?.expire();
    application.sandbox.provider(slug).misbehave(at(held), Infinity);
    return { application, subjects };
  }

  function refreshesAt({ sandbox }: TestApplication): number {
    return sandbox.provider(slug).history.filter(({ kind }) => kind === 'refresh').length;
  }

  it('opens the circuit breaker of its provider at the time limit, and is stored all the same (R-08, R-10)', async () => {
    const { application, subjects } = await startLate({ PROVIDER_BREAKER_FAILURES: String(connectionCount) });
    try {
      const refused = await Promise.all(subjects.map((subject) => subject.refusal()));
      for (const refusal of refused) {
        expect(refusal).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      }
      await until('the circuit breaker is open', async () => {
        const rows = await queryDatabase(
          application.databaseUrl,
          'SELECT 1 FROM circuit_breakers WHERE open_until > now()',
        );
        return rows.length === 1;
      });
      // A later caller gets an error at once: the provider still does not respond.
      expect(await subjects[0]?.refusal()).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      application.sandbox.provider(slug).behave();
      for (const subject of subjects) {
        await until('the new tokens are stored', async () => (await subject.read()).status === 200);
        await subject.expectStoredTokensAlive();
      }
      expect(refreshesAt(application)).toBe(connectionCount);
    } finally {
      await application.close();
    }
  });

  it('gives its permit on at the time limit, half as many as there are permits (NET-04)', async () => {
    const { application, subjects } = await startLate({ PROVIDER_CONCURRENCY: '2' });
    try {
      const asking = Promise.all(subjects.map((subject) => subject.read()));
      await until('the first two are at the provider', () => refreshesAt(application) === 2);
      await until('one more has begun', () => refreshesAt(application) === 3);
      application.sandbox.provider(slug).behave();
      await asking;
      for (const subject of subjects) {
        await until('the new tokens are stored', async () => (await subject.read()).status === 200);
      }
      expect(refreshesAt(application)).toBe(connectionCount);
    } finally {
      await application.close();
    }
  });
});
