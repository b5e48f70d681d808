import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LinkPurge } from '../../src/links/store/link-purge.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { pathOf, startLink } from '../support/linking.js';
import { countRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('links that are over', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  function count(table: 'links' | 'link_sessions'): Promise<number> {
    return countRows(application.databaseUrl, table);
  }

  async function fill(rows: number, age: string): Promise<void> {
    await queryDatabase(
      application.databaseUrl,
      `WITH ages AS (SELECT sha256(random()::text::bytea) AS hash, now() - $2::interval AS at FROM generate_series(1, $1)),
       sessions AS (
         INSERT INTO link_sessions (token_hash, user_id, require_confirmation, created_at, expires_at)
         SELECT hash, 'user', false, at, at FROM ages)
       INSERT INTO links (state_hash, id, user_id, provider, registration_id, registration_hash, scopes, created_at, expires_at)
       SELECT hash, gen_random_uuid(), 'user', 'whoop', 'whoop:1', hash, '{}', at, at FROM ages`,
      [rows, age],
    );
  }

  it('are deleted after a day, a thousand at a time, and the younger ones stay (AR-25, LOG-09)', async () => {
    const purge = application.app.get(LinkPurge, { strict: false });
    await fill(2_500, '24 hours 1 second');
    await fill(10, '23 hours 59 minutes');
    const { linkWebUrl } = await startLink(application, 'user-1', 'whoop');

    expect(await purge.sweep()).toBe(0);
    expect([await count('links'), await count('link_sessions')]).toEqual([1_511, 1_510]);
    expect(await purge.sweep()).toBe(0);
    expect(await purge.sweep()).toBeGreaterThan(0);
    expect([await count('links'), await count('link_sessions')]).toEqual([11, 10]);

    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
  });

  it.each(['links', 'link_sessions'] as const)(
    'are looked for again at once while either table has more: %s (AR-25)',
    async (few) => {
      const purge = application.app.get(LinkPurge, { strict: false });
      const before = [await count('links'), await count('link_sessions')];
      await fill(1_500, '2 days');
      await queryDatabase(application.databaseUrl, `DELETE FROM ${few} WHERE created_at < now() - interval '1 day'`);
      expect(await purge.sweep()).toBe(0);
      expect(await purge.sweep()).toBeGreaterThan(0);
      expect([await count('links'), await count('link_sessions')]).toEqual(before);
    },
  );

  it('are deleted by every process after its start (AR-25)', async () => {
    await fill(1_200, '2 days');
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const started = await startApplication({ databaseUrl, rootKey, sandbox, clock });
    try {
      await until('the old links are gone', async () => (await count('links')) === 11);
      expect([await count('links'), await count('link_sessions')]).toEqual([11, 10]);
    } finally {
      await started.close();
    }
  });
});
