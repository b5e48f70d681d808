import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { findFreePort } from '../../src/development/free-port.js';
import type { FakeProvider } from '../../src/sandbox/fake-provider.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { revocations } from '../../src/tokens/tokens.metrics.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { removeDirectory, startService, waitUntilReady } from '../support/service-process.js';
import { ago, changeRows, closeAuditTrail, deleteRows, makeRevocationsDue } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const account = '4711';
const userId = 'user-1';

let application: TestApplication;

async function begin(options: ApplicationOptions = {}): Promise<void> {
  await application.close();
  application = await startApplication(options);
}

beforeEach(async () => {
  application = await startApplication();
});

afterEach(() => application.close());

function fakeOf(slug: string): FakeProvider {
  return application.sandbox.provider(slug);
}

function isGrantAlive(slug: string): boolean {
  return fakeOf(slug)
    .liveGrants()
    .some(({ accountId }) => accountId === account);
}

function revocationCalls(slug: string): number {
  return fakeOf(slug).history.filter(({ kind }) => kind === 'revoke').length;
}

async function unlink(slug: string): Promise<string> {
  const response = await application.api.delete(`/v1/users/${userId}/connections/${slug}`).expect(200);
  return (response.body as { provider_revocation: string }).provider_revocation;
}

interface Row {
  readonly attempts: number;
  readonly wait_seconds: number;
  readonly last_error_code: string | null;
}

function outbox(): Promise<Row[]> {
  return queryDatabase<Row>(
    application.databaseUrl,
    `SELECT attempts, extract(epoch FROM due_at - now())::float8 AS wait_seconds, last_error_code FROM revocations`,
  );
}

/** Lets the next attempt be due, and makes it. */
async function tryAgain({ app }: Pick<TestApplication, 'app'> = application): Promise<void> {
  const [before] = await outbox();
  await makeRevocationsDue(application.databaseUrl);
  app.get(RevocationOutbox).processNow();
  await until('the attempt is over', async () => {
    const [row] = await outbox();
    const isOver = row !== undefined && row.attempts > (before?.attempts ?? 0) && row.last_error_code !== null;
    return row === undefined || (isOver && row.wait_seconds < 50) || (isOver && row.wait_seconds > 61);
  });
}

const outage = { endpoint: 'revoke', type: 'status', code: 503 } as const;
const gone = { endpoint: 'revoke', type: 'status', code: 410 } as const;

/** How many grants could not be ended because there is no way to. */
async function unsupported(): Promise<number> {
  const { values } = await revocations.get();
  return values.reduce((sum, { labels, value }) => sum + (labels.outcome === 'unsupported' ? value : 0), 0);
}

describe('the outbox of revocations', () => {
  it.each(['whoop', 'fitbit', 'garmin-oauth1'])(
    'stops at once here and ends the grant when the provider is back (%s) (TE-10)',
    async (slug) => {
      await linkAccount(application, userId, slug, { account });
      fakeOf(slug).misbehave(outage, 2);

      expect(await unlink(slug)).toBe('pending');
      await application.api.get(`/v1/users/${userId}/connections/${slug}/token`).expect(404);
      expect(isGrantAlive(slug)).toBe(true);
      await tryAgain();
      expect(isGrantAlive(slug)).toBe(true);
      expect(await outbox()).toMatchObject([{ attempts: 2, last_error_code: 'PROVIDER_UNAVAILABLE' }]);
      await tryAgain();

      expect(isGrantAlive(slug)).toBe(false);
      expect(await outbox()).toEqual([]);
      expect(revocationCalls(slug)).toBe(3);
    },
  );

  it('gets nothing from an unlink that the audit trail cannot take, which then does not happen (LOG-06)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    await closeAuditTrail(application.databaseUrl);

    const refusal = await application.api.delete(`/v1/users/${userId}/connections/whoop`).expect(503);

    expect(refusal.body).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await application.api.get(`/v1/users/${userId}/connections/whoop`).expect(200);
    expect(await outbox()).toEqual([]);
    expect(revocationCalls('whoop')).toBe(0);
    expect(isGrantAlive('whoop')).toBe(true);
  });

  it('without its entry the grant outlives the connection (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    await unlink('whoop');
    await deleteRows(application.databaseUrl, 'revocations');

    await tryAgain();

    expect(isGrantAlive('whoop')).toBe(true);
  });

  it('does not come back before the time that the provider named (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave({ ...outage, headers: { 'retry-after': '900' } });

    expect(await unlink('whoop')).toBe('pending');

    const [row] = await outbox();
    expect(row?.wait_seconds).toBeGreaterThan(890);
  });

  it('first refreshes an expired access token, if only a working one ends the grant (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    application.clock.advance(2 * 3_600_000);

    await tryAgain();

    expect(isGrantAlive('whoop')).toBe(false);
    expect(await outbox()).toEqual([]);
  });

  it('reads the response to that refresh after the time limit, and ends the grant with it (TE-10, R-08)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    application.clock.advance(24 * 3_600_000);
    fakeOf('whoop').misbehave({ endpoint: 'refresh', type: 'slow', ms: 12_000 });

    expect(await unlink('whoop')).toBe('pending');
    expect(isGrantAlive('whoop')).toBe(true);
    await until('the entry is gone', async () => (await outbox()).length === 0);

    expect(isGrantAlive('whoop')).toBe(false);
    expect(fakeOf('whoop').history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);
    expect(revocationCalls('whoop')).toBe(1);
  });

  it('keeps the tokens of that refresh before it tries: the next attempt needs no other refresh (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    const fake = fakeOf('whoop');
    fake.misbehave(outage, 2);
    expect(await unlink('whoop')).toBe('pending');
    application.clock.advance(2 * 3_600_000);
    await tryAgain();
    expect(await outbox()).toMatchObject([{ attempts: 2, last_error_code: 'PROVIDER_UNAVAILABLE' }]);
    expect(isGrantAlive('whoop')).toBe(true);

    await tryAgain();

    expect(await outbox()).toEqual([]);
    // By a revocation that went well, and not by a refresh token that came twice.
    expect(fake.history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);
    expect(fake.history.at(-1)).toMatchObject({ kind: 'revoke' });
    expect(isGrantAlive('whoop')).toBe(false);
  });

  it('leaves an attempt that is under way to the process that makes it (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    const fake = fakeOf('whoop');
    fake.misbehave({ endpoint: 'revoke', ...held });
    const unlinking = unlink('whoop');
    await until('the provider is asked', () => revocationCalls('whoop') === 1);
    const looks = jest.spyOn(application.app.get(Database), 'query');

    application.app.get(RevocationOutbox).processNow();

    await until('the outbox was looked at', () =>
      looks.mock.calls.some(([{ name }]) => name === 'revocations-next-due'),
    );
    looks.mockRestore();
    expect(await outbox()).toMatchObject([{ attempts: 1 }]);
    expect(revocationCalls('whoop')).toBe(1);
    fake.behave();
    expect(await unlinking).toBe('revoked');
  });

  it('treats a second HTTP 410 an hour later as the end of the revocation (TE-10, TE-16)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(gone, 2);

    expect(await unlink('whoop')).toBe('pending');
    const [first] = await outbox();
    expect(first).toMatchObject({ attempts: 1, last_error_code: 'PROVIDER_RETIRED' });
    expect(first?.wait_seconds).toBeGreaterThan(3_500);
    expect(first?.wait_seconds).toBeLessThanOrEqual(3_600);
    const before = await unsupported();
    await tryAgain();

    expect(await outbox()).toEqual([]);
    expect(revocationCalls('whoop')).toBe(2);
    expect((await unsupported()) - before).toBe(1);
    // Nothing was refused, so the access token was as good as before.
    expect(fakeOf('whoop').history.filter(({ kind }) => kind === 'refresh')).toEqual([]);
  });

  it('keeps trying if another response comes between two HTTP 410 (TE-10, TE-16)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    const fake = fakeOf('whoop');
    for (const wrong of [gone, outage, gone]) {
      fake.misbehave(wrong);
    }
    expect(await unlink('whoop')).toBe('pending');
    await tryAgain();
    await tryAgain();
    expect(await outbox()).toMatchObject([{ attempts: 3, last_error_code: 'PROVIDER_RETIRED' }]);

    await tryAgain();

    expect(isGrantAlive('whoop')).toBe(false);
    expect(await outbox()).toEqual([]);
  });

  it('is done if the user has ended the grant at the provider in the meantime (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    fakeOf('whoop').revokeGrant(account);
    application.clock.advance(2 * 3_600_000);

    await tryAgain();

    expect(await outbox()).toEqual([]);
  });

  it('leaves a new link of the same account alone (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    await linkAccount(application, userId, 'whoop', { account });
    const calls = revocationCalls('whoop');

    await tryAgain();

    expect(await outbox()).toEqual([]);
    expect(revocationCalls('whoop')).toBe(calls);
    await application.api.get(`/v1/users/${userId}/connections/whoop/token`).expect(200);
  });

  it('leaves the connection of another user alone who has linked the same account since then (TE-10, AR-23)', async () => {
    await begin({ environment: { ACCOUNT_SHARING: 'deny' } });
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    await linkAccount(application, 'user-2', 'whoop', { account });
    const calls = revocationCalls('whoop');

    await tryAgain();

    expect(await outbox()).toEqual([]);
    expect(revocationCalls('whoop')).toBe(calls);
    await application.api.get('/v1/users/user-2/connections/whoop/token').expect(200);
  });

  it('leaves a grant that the successor may share: its connection still works (TE-10, O1-11)', async () => {
    await linkAccount(application, userId, 'garmin-oauth1', { account });
    await linkAccount(application, userId, 'garmin', { account });
    const calls = revocationCalls('garmin-oauth1');

    expect(await unlink('garmin-oauth1')).toBe('left');

    expect(await outbox()).toEqual([]);
    expect(revocationCalls('garmin-oauth1')).toBe(calls);
    await application.api.get(`/v1/users/${userId}/connections/garmin/token`).expect(200);
    expect(await unlink('garmin')).toBe('revoked');
  });

  it('ends its own grant where accounts are shared, although another user has the account (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    await linkAccount(application, 'user-2', 'whoop', { account });
    fakeOf('whoop').misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    const calls = revocationCalls('whoop');

    await tryAgain();

    expect(await outbox()).toEqual([]);
    expect(revocationCalls('whoop')).toBe(calls + 1);
  });

  it('gives up in the end, and erases the tokens (TE-10)', async () => {
    await begin({ environment: { REVOCATION_GIVE_UP_HOURS: '48' } });
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage, Infinity);
    expect(await unlink('whoop')).toBe('pending');
    await tryAgain();
    expect(await outbox()).toHaveLength(1);
    await changeRows(application.databaseUrl, 'revocations', { created_at: ago(2 * 86_400) });

    await tryAgain();

    expect(await outbox()).toEqual([]);
  });

  it('keeps the tokens sealed, and for their own entry only (CR-03, CR-12)', async () => {
    for (const [user, slug] of [
      [userId, 'whoop'],
      ['user-2', 'whoop'],
    ] as const) {
      await linkAccount(application, user, slug, { account: user === userId ? account : '4712' });
    }
    const response = await application.api.get(`/v1/users/${userId}/connections/whoop/token`).expect(200);
    const { access_token: accessToken } = response.body as { access_token: string };
    fakeOf('whoop').misbehave(outage, 2);
    expect(await unlink('whoop')).toBe('pending');
    await application.api.delete('/v1/users/user-2/connections/whoop').expect(200);

    const rows = await queryDatabase<{ sealed: Buffer }>(application.databaseUrl, 'SELECT sealed FROM revocations');
    expect(rows).toHaveLength(2);
    expect(rows.some(({ sealed }) => sealed.includes(accessToken))).toBe(false);
    await queryDatabase(
      application.databaseUrl,
      `UPDATE revocations SET sealed = (SELECT sealed FROM revocations ORDER BY created_at LIMIT 1)
       WHERE created_at = (SELECT max(created_at) FROM revocations)`,
    );
    await queryDatabase(
      application.databaseUrl,
      'DELETE FROM revocations WHERE created_at = (SELECT min(created_at) FROM revocations)',
    );
    const calls = revocationCalls('whoop');
    await tryAgain();
    expect(await outbox()).toMatchObject([{ last_error_code: 'TOKEN_UNREADABLE' }]);
    expect(revocationCalls('whoop')).toBe(calls);
  });

  it('sends nothing to another provider, where an entry was moved to (CR-03)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    fakeOf('whoop').misbehave(outage, 1);
    expect(await unlink('whoop')).toBe('pending');
    await changeRows(application.databaseUrl, 'revocations', { provider: 'fitbit' });

    await tryAgain();

    expect(await outbox()).toMatchObject([{ last_error_code: 'TOKEN_UNREADABLE' }]);
    expect(fakeOf('fitbit').history).toEqual([]);
  });

  it('ends a grant that was refreshed while it was unlinked, though the provider is away at that moment (TE-11, TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    const fake = fakeOf('whoop');
    fake.misbehave({ endpoint: 'refresh', ...held });
    const refreshing = application.api
      .post(`/v1/users/${userId}/connections/whoop/refresh`)
      .then(({ status }) => status);
    await until('the provider is asked', () => fake.history.some(({ kind }) => kind === 'refresh'));
    fake.misbehave(outage);
    expect(await unlink('whoop')).toBe('pending');
    fake.behave();
    fake.misbehave(outage);

    expect(await refreshing).toBe(404);
    expect(await outbox()).toHaveLength(2);
    expect(isGrantAlive('whoop')).toBe(true);

    await makeRevocationsDue(application.databaseUrl);
    application.app.get(RevocationOutbox).processNow();
    await until('the grant has ended', () => !isGrantAlive('whoop'));
  });

  it('is finished by another process when one is killed between the steps (TE-10)', async () => {
    await linkAccount(application, userId, 'whoop', { account });
    const fake = fakeOf('whoop');
    // The provider reads nothing of it before the process is dead.
    fake.misbehave({ endpoint: 'revoke', ...held, processed: false });
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-unlink-'));
    const port = await findFreePort();
    const service = startService(directory, {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(port),
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      SANDBOX_URL: application.sandbox.url,
      REFRESH_SCHEDULER: 'off',
    });
    try {
      const url = `http://127.0.0.1:${port}`;
      await waitUntilReady(service, url);
      const key = await application.createKey('connections:write');
      const unlinking = fetch(`${url}/v1/users/${userId}/connections/whoop`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${key}` },
      }).then(
        () => 'answered',
        () => 'cut off',
      );
      await until('the provider is asked', () => fake.history.some(({ kind }) => kind === 'revoke'));
      await service.stop('SIGKILL');
      expect(await unlinking).toBe('cut off');
    } finally {
      await service.stop('SIGKILL');
      await removeDirectory(directory);
    }
    await application.api.get(`/v1/users/${userId}/connections/whoop`).expect(404);
    expect(isGrantAlive('whoop')).toBe(true);

    await tryAgain();

    expect(isGrantAlive('whoop')).toBe(false);
    expect(await outbox()).toEqual([]);
  });
});
