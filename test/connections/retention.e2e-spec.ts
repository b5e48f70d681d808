import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { Connection } from '../../src/tokens/store/connection.js';
import { DeadTokenPurge } from '../../src/tokens/store/dead-token-purge.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { checkout, removeDirectory, startProcess } from '../support/service-process.js';
import { ago, changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const account = '8015551234567';
const path = '/v1/users/user-1/connections/whoop';

describe('the tokens of a dead connection (LOG-09)', () => {
  let application: TestApplication;
  beforeEach(async () => {
    application = await startApplication({ environment: { ACCOUNT_SHARING: 'deny' } });
    await linkAccount(application, 'user-1', 'whoop', { account });
    await linkAccount(application, 'user-1', 'oura', { account });
    // A living connection whose refreshes have failed for long is no dead one.
    await changeRows(
      application.databaseUrl,
      'connections',
      { last_error_code: 'PROVIDER_UNAVAILABLE', last_error_at: ago(31 * 86_400) },
      { provider: 'oura' },
    );
  });
  afterEach(() => application.close());

  /** As the refresh engine leaves a connection whose grant its provider has called dead twice, so long ago. */
  async function die(age: string): Promise<void> {
    application.sandbox.provider('whoop').revokeGrant(account);
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET status = 'needs_relink', end_reason = 'grant_refused', last_error_code = 'TOKEN_REVOKED',
         refresh_due_at = NULL, last_error_at = now() - $1::interval, ended_at = now() - $1::interval WHERE provider = 'whoop'`,
      [age],
    );
  }

  const sweep = () => application.app.get(DeadTokenPurge, { strict: false }).sweep();

  async function held(): Promise<{ provider: string; sealed: boolean; account: boolean }[]> {
    return queryDatabase(
      application.databaseUrl,
      `SELECT provider, sealed IS NOT NULL AS sealed, account_digest IS NOT NULL AS account FROM connections ORDER BY provider`,
    );
  }

  it('are erased after 30 days, and those of the living stay', async () => {
    await die('29 days 23 hours');
    await sweep();
    expect(await held()).toEqual([
      { provider: 'oura', sealed: true, account: true },
      { provider: 'whoop', sealed: true, account: true },
    ]);

    await die('30 days 1 second');
    expect(await sweep()).toBeGreaterThan(0);

    expect(await held()).toEqual([
      { provider: 'oura', sealed: true, account: true },
      { provider: 'whoop', sealed: false, account: false },
    ]);
    await application.api.get('/v1/users/user-1/connections/oura/token').expect(200);
  });

  it('leave a connection that responds as a dead one does', async () => {
    await die('31 days');
    await sweep();
    const status = await application.api.get(path).expect(200);
    expect(status.body).toMatchObject({ status: 'needs_relink', needs_relink: true });
    for (const call of [
      application.api.get(`${path}/token`),
      application.api.post(`${path}/refresh`),
      application.api.post(`${path}/token/rejected`).send({ fingerprint: '0'.repeat(64) }),
    ]) {
      const response = await call;
      expect({ status: response.status, body: response.body as unknown }).toMatchObject({
        status: 409,
        body: { code: 'TOKEN_REVOKED' },
      });
    }
    const exported = await application.api.get('/v1/users/user-1/export').expect(200);
    expect(exported.body).toMatchObject({ connections: [{}, { status: 'needs_relink', provider_user_id: null }] });
  });

  it('return with a new link of any account, and go with an unlink', async () => {
    await die('31 days');
    await sweep();
    await linkAccount(application, 'user-1', 'whoop', { account: '4711' });
    await application.api.get(`${path}/token`).expect(200);
    await die('31 days');
    await sweep();
    const unlinked = await application.api.delete(path).expect(200);
    expect(unlinked.body).toEqual({ disconnected: true, provider_revocation: 'failed' });
    await application.api.get(path).expect(404);
  });

  it('are not brought back by a refresh that was begun before', async () => {
    const store = application.app.get(ConnectionStore, { strict: false });
    const before = await store.find('user-1', 'whoop');
    await die('31 days');
    await sweep();
    const late = { ...(before as Connection), sealed: Buffer.from('late'), refreshDueInMs: null };
    expect(await store.saveRefreshed(late, late)).toBe(false);
    expect((await held())[1]?.sealed).toBe(false);
  });

  it('are erased by a background process', async () => {
    await die('31 days');
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-retention-'));
    const worker = startProcess([join(checkout, 'dist/main.js'), 'worker'], directory, {
      NODE_ENV: 'test',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(await findFreePort()),
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      SANDBOX_URL: application.sandbox.url,
    });
    try {
      await until('the tokens are erased', async () => (await held())[1]?.sealed === false);
    } finally {
      await worker.stop();
      await removeDirectory(directory);
    }
  });

  it('are erased a thousand at a time', async () => {
    await die('31 days');
    await queryDatabase(
      application.databaseUrl,
      `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested, refreshable, ended_at)
       SELECT 'user-' || n, 'oura', gen_random_uuid(), 'oura:1', 'needs_relink', 1, 'x', '{}', true, now() - interval '31 days'
       FROM generate_series(2, 1500) AS n`,
    );
    expect(await sweep()).toBe(0);
    expect(await sweep()).toBeGreaterThan(0);
    expect((await held()).filter(({ sealed }) => sealed)).toEqual([{ provider: 'oura', sealed: true, account: true }]);
  });
});
