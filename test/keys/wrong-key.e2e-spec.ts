import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { approvedLink, linkAccount, newUser, pathOf } from '../support/linking.js';
import { endMisbehavior } from '../support/fake-providers.js';
import { bodyOf, expectProblem } from '../support/problems.js';
import { linkBystander } from '../support/untouched-rows.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication();
  await linkBystander(application);
});
afterEach(() => endMisbehavior(application));
afterAll(() => application.close());

describe('a wrong key', () => {
  it.each([
    ['the key id', 'set_byte(sealed, 5, 255 - get_byte(sealed, 5))'],
    ['the salt', 'set_byte(sealed, 30, 255 - get_byte(sealed, 30))'],
    ['the commitment', 'set_byte(sealed, 60, 255 - get_byte(sealed, 60))'],
    ['the initialisation vector', 'set_byte(sealed, 90, 255 - get_byte(sealed, 90))'],
    ['the ciphertext', 'set_byte(sealed, 100, get_byte(sealed, 100) # 1)'],
    ['the tag', 'set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)'],
    ['the version', 'set_byte(sealed, 2, 9)'],
    ['its end', 'substring(sealed FROM 1 FOR length(sealed) - 4)'],
    ['everything', "'\\x'::bytea"],
    ['its row', "(SELECT sealed FROM connections WHERE user_id = 'bystander' AND provider = 'whoop')"],
  ])(
    'is what a row with %s altered looks like; its connection stays as it is (CR-02, CR-03)',
    async (_what, altered) => {
      const user = newUser();
      const id = await linkAccount(application, user, 'whoop');
      const base = `/v1/users/${user}/connections/whoop`;
      const before = bodyOf(await application.api.get(base).expect(200)) as object;
      await queryDatabase(application.databaseUrl, `UPDATE connections SET sealed = ${altered} WHERE id = $1`, [id]);
      const calls = application.sandbox.provider('whoop').history.length;
      const tokens =
        'SELECT user_id, status, secret_gen, sealed, lease_id, attempt_started_at FROM connections ORDER BY id';
      const rows = await queryDatabase(application.databaseUrl, tokens);

      expectProblem(await application.api.get(`${base}/token`), 500, 'TOKEN_UNREADABLE');
      expectProblem(await application.api.post(`${base}/refresh`), 500, 'TOKEN_UNREADABLE');

      const after = bodyOf(await application.api.get(base).expect(200));
      const lastError = { code: 'TOKEN_UNREADABLE', at: expect.any(String) };
      expect(after).toEqual({ ...before, reason: 'refresh_failing', last_error: lastError });
      expect(after).toMatchObject({ status: 'active', needs_relink: false });
      expect(await queryDatabase(application.databaseUrl, tokens)).toEqual(rows);
      expect(application.sandbox.provider('whoop').history).toHaveLength(calls);
      // A new link mends it.
      expect(await linkAccount(application, user, 'whoop')).toBe(id);
      await application.api.get(`${base}/token`).expect(200);
    },
  );

  it('is the error of a link with altered secrets; the provider gets no request (CR-02)', async () => {
    for (const slug of ['garmin', 'garmin-oauth1']) {
      const { user, state, callback } = await approvedLink(application, slug);
      const calls = application.sandbox.provider(slug).history.length;
      await queryDatabase(
        application.databaseUrl,
        'UPDATE links SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) WHERE state_hash = $1',
        [hashOneTimeSecret(state)],
      );

      expectProblem(await application.browser.get(pathOf(callback)), 500, 'TOKEN_UNREADABLE');

      expect(application.sandbox.provider(slug).history).toHaveLength(calls);
      await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
    }
  });

  // The last test: a boot that fails leaves the test logger in charge, which prints.
  it('stops the start and names ENCRYPTION_ROOT_KEY; nothing is changed, and the right key still works (CR-10)', async () => {
    const { sandbox, clock } = application;
    const right = await startApplication({ sandbox, clock });
    const { databaseUrl, rootKey } = right;
    await linkAccount(right, 'anna', 'whoop');
    await right.close();
    const dump = () =>
      queryDatabase(
        databaseUrl,
        `SELECT (SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM connections c) AS connections,
                (SELECT jsonb_agg(to_jsonb(k) ORDER BY kid) FROM vault_keys k) AS "vaultKeys",
                (SELECT jsonb_agg(to_jsonb(k) - 'last_used_at' ORDER BY id) FROM api_keys k) AS "apiKeys"`,
      );
    const before = await dump();

    await expect(startApplication({ databaseUrl, sandbox, clock })).rejects.toThrow(
      /^ENCRYPTION_ROOT_KEY .*not the one that this database was set up with/,
    );

    expect(await dump()).toEqual(before);
    // The boot that failed leaves its connections open.
    await queryDatabase(
      databaseUrl,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    const again = await startApplication({ databaseUrl, rootKey, sandbox, clock });
    try {
      await again.api.get('/v1/users/anna/connections/whoop/token').expect(200);
    } finally {
      await again.close();
    }
  });
});
