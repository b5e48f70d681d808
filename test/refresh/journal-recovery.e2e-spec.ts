import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { JournalRecovery } from '../../src/tokens/refresh/journal-recovery.js';
import { DatabaseUnavailableError } from '../../src/errors/request.errors.js';
import { RefreshJournal } from '../../src/tokens/refresh/refresh-journal.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { copyDatabase, replaceDatabase } from '../support/database-copy.js';
import { linkAccount } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { at } from '../support/subject.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);
const pathOf = (user: string) => `/v1/users/${user}/connections/whoop`;

interface Row {
  id: string;
  secretGen: number;
}

describe('the entries that the journal keeps', () => {
  let journal: string;
  /** Of a process that does not share the other one. */
  let otherJournal: string;
  let running: TestApplication[];
  let keepSeconds: string | undefined;
  let holdSeconds: string;

  beforeEach(async () => {
    journal = await mkdtemp(join(tmpdir(), 'cufflink-recovery-'));
    otherJournal = await mkdtemp(join(tmpdir(), 'cufflink-recovery-'));
    running = [];
    keepSeconds = undefined;
    holdSeconds = '0';
  });
  afterEach(async () => {
    for (const application of running.reverse()) {
      await application.close();
    }
    await rm(journal, { recursive: true });
    await rm(otherJournal, { recursive: true });
  });

  /** Starts the service on a database, beside the first one. */
  async function start(
    first?: TestApplication,
    databaseUrl = first?.databaseUrl,
    directory: string = journal,
  ): Promise<TestApplication> {
    const application = await startApplication({
      ...(first && { rootKey: first.rootKey, sandbox: first.sandbox, clock: first.clock }),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      environment: {
        REFRESH_JOURNAL_DIRECTORY: directory,
        REFRESH_JOURNAL_KEEP_SECONDS: keepSeconds,
        REFRESH_IN_DOUBT_HOLD_SECONDS: holdSeconds,
        // Many connections that are lost at once would meet the circuit breaker.
        PROVIDER_SPIKE_MINIMUM: '1000',
      },
    });
    running.push(application);
    return application;
  }

  /** Links the users at a strict provider, and makes a backup. */
  async function linkAndBackUp(linked: readonly string[]): Promise<{ first: TestApplication; backup: string }> {
    const first = await start();
    for (const user of linked) {
      await linkAccount(first, user, 'whoop');
    }
    return { first, backup: await copyDatabase(first.databaseUrl) };
  }

  async function refresh({ api }: TestApplication, user: string): Promise<number> {
    return (await api.post(`${pathOf(user)}/refresh`)).status;
  }

  /** How many token sets the database has lost, as the operator's alert has it. */
  async function restoredCount({ api }: TestApplication): Promise<number> {
    const { text } = await api.get('/metrics').expect(200);
    return Number(/^cufflink_refresh_journal_restored_total (\d+)$/m.exec(text)?.[1]);
  }

  async function readRow(databaseUrl: string, user: string): Promise<Row> {
    const text = 'SELECT id, secret_gen AS "secretGen" FROM connections WHERE user_id = $1';
    const [row] = await queryDatabase<Row>(databaseUrl, text, [user]);
    if (row === undefined) {
      throw new Error(`${user} has no connection.`);
    }
    return row;
  }

  /**
   * Everything in the journal. A process renames and removes files at any moment, so a look may need
   * another try.
   */
  async function journalText(): Promise<string> {
    for (let look = 0; look < 100; look += 1) {
      const files = await readdir(journal);
      const texts = await Promise.allSettled(files.map((file) => readFile(join(journal, file), 'utf8')));
      if (texts.every(({ status }) => status === 'fulfilled')) {
        return texts.map((text) => (text.status === 'fulfilled' ? text.value : '')).join('');
      }
    }
    throw new Error('The journal changed a hundred times while it was read.');
  }

  /** Refreshes the users after the backup, restores it, and returns those whose grants have ended at the provider. */
  async function restoreAfterRefreshes(): Promise<{ lost: string[]; second: TestApplication }> {
    const { first, backup } = await linkAndBackUp(users);
    // Once, twice and three times.
    for (const [index, user] of users.entries()) {
      for (let time = 0; time <= index % 3; time += 1) {
        expect(await refresh(first, user)).toBe(200);
      }
    }
    const second = await start(first, backup);
    const lost: string[] = [];
    for (const user of users) {
      // The second one shows whether the restored refresh token works.
      const statuses = [await refresh(second, user), await refresh(second, user)];
      lost.push(...(statuses.every((status) => status === 200) ? [] : [user]));
    }
    expect(second.sandbox.provider('whoop').liveGrants()).toHaveLength(users.length - lost.length);
    return { lost, second };
  }

  it('restore every connection that was refreshed after a backup, several times too (R-05)', async () => {
    const { lost, second } = await restoreAfterRefreshes();
    expect(lost).toEqual([]);
    const entries = await auditEntriesOf(second, 'user-2');
    expect(entries.filter((entry) => entry.startsWith('token.refreshed'))).toHaveLength(3);
  });

  /**
   * Refreshes a connection, puts the backup in the place of the database under the running process, and refreshes it
   * again at once.
   */
  async function refreshAfterReplacement(): Promise<TestApplication> {
    const { first, backup } = await linkAndBackUp(['user-1']);
    expect(await refresh(first, 'user-1')).toBe(200);
    await replaceDatabase(first.databaseUrl, backup);
    await until('the process reaches it', async () => (await first.api.get('/health/ready')).status === 200);
    await refresh(first, 'user-1');
    return first;
  }

  it('restore a connection before its refresh token is sent, when the database is replaced under the process (R-05)', async () => {
    const application = await refreshAfterReplacement();
    expect(application.sandbox.provider('whoop').liveGrants()).toHaveLength(1);
    expect(await refresh(application, 'user-1')).toBe(200);
  });

  it('prevent that: without them the old refresh token is sent, and the grant ends', async () => {
    keepSeconds = '0';
    const application = await refreshAfterReplacement();
    expect(application.sandbox.provider('whoop').liveGrants()).toEqual([]);
  });

  /**
   * Two processes; the database loses a refresh, and the lease of the next, while one of them waits for the response to
   * that.
   */
  async function replaceDuringRefresh(): Promise<TestApplication> {
    const first = await start();
    const second = await start(first);
    await linkAccount(first, 'user-1', 'whoop');
    const backup = await copyDatabase(first.databaseUrl);
    expect(await refresh(first, 'user-1')).toBe(200);
    const provider = first.sandbox.provider('whoop');
    const refreshes = () => provider.history.filter(({ kind }) => kind === 'refresh').length;
    provider.misbehave({ endpoint: 'refresh', ...held, processed: true });
    const underWay = refresh(first, 'user-1');
    await until('the provider has the request', () => refreshes() === 2);
    await replaceDatabase(first.databaseUrl, backup);
    await until('the other process reaches it', async () => (await second.api.get('/health/ready')).status === 200);
    // The first one restores the row.
    await refresh(second, 'user-1');
    await refresh(second, 'user-1');
    provider.behave();
    await underWay;
    return second;
  }

  it('are restored as in doubt: a refresh whose lease is lost may be under way in another process (R-04)', async () => {
    holdSeconds = '120';
    const application = await replaceDuringRefresh();
    expect(application.sandbox.provider('whoop').liveGrants()).toHaveLength(1);
    expect(await refresh(application, 'user-1')).toBe(200);
  });

  it('would cost that connection its grant without the hold', async () => {
    const application = await replaceDuringRefresh();
    expect(application.sandbox.provider('whoop').liveGrants()).toEqual([]);
  });

  it('lose no response that arrives after they were read and before the row is restored (R-05)', async () => {
    holdSeconds = '120';
    const { first, backup } = await linkAndBackUp(['user-1']);
    expect(await refresh(first, 'user-1')).toBe(200);
    const provider = first.sandbox.provider('whoop');
    const refreshes = () => provider.history.filter(({ kind }) => kind === 'refresh').length;
    provider.misbehave({ endpoint: 'refresh', ...held, processed: true });
    const underWay = refresh(first, 'user-1');
    await until('the provider has the request', () => refreshes() === 2);
    await replaceDatabase(first.databaseUrl, backup);
    await until('the process reaches it', async () => (await first.api.get('/health/ready')).status === 200);

    const store = first.app.get(ConnectionStore);
    const findBehind = store.findBehind.bind(store);
    const read = Promise.withResolvers<undefined>();
    const saved = Promise.withResolvers<undefined>();
    jest.spyOn(store, 'findBehind').mockImplementationOnce(async (entries) => {
      read.resolve(undefined);
      await saved.promise;
      return findBehind(entries);
    });
    const isSaving = new Promise((resolve) => {
      const saveRefreshed = store.saveRefreshed.bind(store);
      jest.spyOn(store, 'saveRefreshed').mockImplementationOnce(async (...saving) => {
        const isSaved = await saveRefreshed(...saving);
        resolve(isSaved);
        return isSaved;
      });
    });
    const comparison = first.app.get(JournalRecovery).catchUp();
    await read.promise;
    provider.behave();
    expect(await isSaving).toBe(false);
    saved.resolve(undefined);
    await comparison;
    expect(await underWay).toBe(200);

    // As if the hold had passed.
    await changeRows(first.databaseUrl, 'connections', { attempt_started_at: null });
    expect(await refresh(first, 'user-1')).toBe(200);
    expect(provider.liveGrants()).toHaveLength(1);
  });

  it('restore a row for a refresh that was leased before and looks after the comparison (R-05)', async () => {
    const { first, backup } = await linkAndBackUp(['user-1']);
    expect(await refresh(first, 'user-1')).toBe(200);
    await replaceDatabase(first.databaseUrl, backup);
    await until('the process reaches it', async () => (await first.api.get('/health/ready')).status === 200);
    const recovery = first.app.get(JournalRecovery);
    const catchUp = recovery.catchUp.bind(recovery);
    // Another refresh has the rows compared in the meantime.
    jest.spyOn(recovery, 'catchUp').mockImplementationOnce(async () => {
      await catchUp();
      return catchUp();
    });
    await refresh(first, 'user-1');
    expect(first.sandbox.provider('whoop').liveGrants()).toHaveLength(1);
    expect(await refresh(first, 'user-1')).toBe(200);
  });

  it('are noted once when the save and a replay of the journal commit one token set together (I5)', async () => {
    const first = await start();
    await linkAccount(first, 'user-1', 'whoop');
    const { id, secretGen } = await readRow(first.databaseUrl, 'user-1');
    const store = first.app.get(ConnectionStore);
    const saveRefreshed = store.saveRefreshed.bind(store);
    const stored = Promise.withResolvers<undefined>();
    const released = Promise.withResolvers<undefined>();
    // The row is written, and the process has not learned of it yet.
    jest.spyOn(store, 'saveRefreshed').mockImplementationOnce(async (...saving) => {
      const isSaved = await saveRefreshed(...saving);
      stored.resolve(undefined);
      await released.promise;
      return isSaved;
    });
    const refreshing = refresh(first, 'user-1');
    await stored.promise;
    const replaying = first.app.get(RefreshJournal).replay({ userId: 'user-1', provider: 'whoop', id, secretGen });
    // A replay that does not wait ends within these statements.
    for (let statement = 0; statement < 50; statement += 1) {
      await readRow(first.databaseUrl, 'user-1');
    }
    released.resolve(undefined);
    expect(await refreshing).toBe(200);
    expect(await replaying).toBe(true);
    const entries = await auditEntriesOf(first, 'user-1');
    expect(entries.filter((entry) => entry.startsWith('token.refreshed'))).toHaveLength(1);
  });

  it('count as lost no token set that the process still saves after a restart of the database', async () => {
    const first = await start();
    await linkAccount(first, 'user-1', 'whoop');
    const key = { userId: 'user-1', provider: 'whoop', ...(await readRow(first.databaseUrl, 'user-1')) };
    const [store, journal] = [first.app.get(ConnectionStore), first.app.get(RefreshJournal)];
    const found = jest.spyOn(store, 'findBehind');
    const lost = await restoredCount(first);
    let comparison: Promise<boolean> | undefined;
    jest.spyOn(store, 'saveRefreshed').mockImplementationOnce(async () => {
      // For the journal this is what a restart is: another database answers.
      await replaceDatabase(first.databaseUrl, await copyDatabase(first.databaseUrl));
      await until('the process reaches it', async () => (await first.api.get('/health/ready')).status === 200);
      comparison = journal.hasCaughtUp(key);
      await until('the row is found behind', () => found.mock.results.length > 0);
      throw new DatabaseUnavailableError('The database cannot be reached.');
    });
    expect(await refresh(first, 'user-1')).toBe(200);
    expect(await comparison).toBe(true);
    expect((await readRow(first.databaseUrl, 'user-1')).secretGen).toBe(key.secretGen + 1);
    expect(await restoredCount(first)).toBe(lost);
    const entries = await auditEntriesOf(first, 'user-1');
    expect(entries.filter((entry) => entry.startsWith('token.refreshed'))).toHaveLength(1);
  });

  it('restore nothing when nothing is kept: all those connections are lost at a strict provider', async () => {
    keepSeconds = '0';
    expect((await restoreAfterRefreshes()).lost).toEqual(users);
  });

  it('give a restored row the generation that its token set is sealed for, also when generations in between are missing', async () => {
    const { first, backup } = await linkAndBackUp(['user-1']);
    await refresh(first, 'user-1');
    await refresh(first, 'user-1');
    // As another process does that has a directory of its own.
    const other = await start(first, first.databaseUrl, otherJournal);
    await refresh(other, 'user-1');
    await refresh(first, 'user-1');
    const newest = await readRow(first.databaseUrl, 'user-1');
    const second = await start(first, backup);
    expect(await readRow(backup, 'user-1')).toEqual(newest);
    expect(await refresh(second, 'user-1')).toBe(200);
  });

  it('restore a refresh token of an unusable response (TE-04)', async () => {
    const { first, backup } = await linkAndBackUp(['user-1']);
    first.sandbox.provider('whoop').misbehave(at({ type: 'badTokenType' }));
    expect(await refresh(first, 'user-1')).toBe(502);
    const second = await start(first, backup);
    expect(await refresh(second, 'user-1')).toBe(200);
    expect(second.sandbox.provider('whoop').liveGrants()).toHaveLength(1);
  });

  it('never replace the tokens of a newer link, of however old a generation (AR-24)', async () => {
    const { first, backup } = await linkAndBackUp(['user-1']);
    await refresh(first, 'user-1');
    await refresh(first, 'user-1');
    const { secretGen } = await readRow(first.databaseUrl, 'user-1');
    const withoutJournal = await start(first, backup, '');
    await linkAccount(withoutJournal, 'user-1', 'whoop');
    const linked = await readRow(backup, 'user-1');
    expect(linked.secretGen).toBeLessThan(secretGen);
    const second = await start(first, backup);
    expect(await readRow(backup, 'user-1')).toEqual(linked);
    expect(await refresh(second, 'user-1')).toBe(200);
  });

  it('do not bring the tokens of a later link into the row of an earlier one', async () => {
    const { first, backup } = await linkAndBackUp(['user-1']);
    const before = await readRow(backup, 'user-1');
    await linkAccount(first, 'user-1', 'whoop');
    await refresh(first, 'user-1');
    await start(first, backup);
    expect(await readRow(backup, 'user-1')).toEqual(before);
  });

  const end = (databaseUrl: string, reason: string) =>
    queryDatabase(databaseUrl, `UPDATE connections SET status = 'needs_relink', ended_at = now(), end_reason = $1`, [
      reason,
    ]);

  it.each(['grant_refused', 'provider_gone', 'unreachable'])(
    'bring back a connection that has ended in the backup (%s) and was refreshed since (R-05, R-13)',
    async (reason) => {
      const { first, backup } = await linkAndBackUp(['user-1', 'user-2']);
      await refresh(first, 'user-1');
      await end(backup, reason);
      const second = await start(first, backup);

      expect((await second.api.get(pathOf('user-1'))).body).toMatchObject({ status: 'active', reason: null });
      expect((await second.api.get(pathOf('user-2'))).body).toMatchObject({ status: 'needs_relink', reason });
      expect(await refresh(second, 'user-1')).toBe(200);
      expect(await auditEntriesOf(second, 'user-1')).toContain('connection.recovered success service');
    },
  );

  it('do not bring back a connection whose provider has shut down, or whose account is another user’s (R-05, AR-23)', async () => {
    const { first, backup } = await linkAndBackUp(['user-1', 'user-2']);
    await refresh(first, 'user-1');
    await refresh(first, 'user-2');
    await end(backup, 'provider_retired');
    await queryDatabase(
      backup,
      `UPDATE connections SET end_reason = 'grant_refused', account_digest = '\\x01', account_exclusive = true WHERE user_id = 'user-2'`,
    );
    await queryDatabase(
      backup,
      `INSERT INTO connections SELECT (jsonb_populate_record(c, '{"user_id": "user-3", "id": "00000000-0000-4000-8000-000000000003",
         "status": "active", "end_reason": null, "ended_at": null}')).* FROM connections c WHERE user_id = 'user-2'`,
    );
    await queryDatabase(
      backup,
      `INSERT INTO accounts (digest, user_id, provider, connection_id)
       VALUES ('\\x01', 'user-3', 'whoop', '00000000-0000-4000-8000-000000000003')`,
    );
    const second = await start(first, backup);

    for (const user of ['user-1', 'user-2']) {
      expect((await second.api.get(pathOf(user))).body).toMatchObject({ status: 'needs_relink' });
    }
  });

  it.each(['unlinked', 'erased'])(
    'are erased with the connection of a user who was %s (TE-11, LOG-08)',
    async (what) => {
      const { first, backup } = await linkAndBackUp(['user-1', 'user-2']);
      await refresh(first, 'user-1');
      await refresh(first, 'user-2');
      const [gone, stays] = [await readRow(backup, 'user-1'), await readRow(backup, 'user-2')];
      expect(await journalText()).toContain(gone.id);
      await first.api.delete(what === 'erased' ? '/v1/users/user-1' : pathOf('user-1')).expect(200);
      expect(await journalText()).not.toContain(gone.id);
      expect(await journalText()).toContain(stays.id);

      await start(first, backup);
      expect(await readRow(backup, 'user-1')).toEqual(gone);
      expect(await readRow(backup, 'user-2')).toEqual({ ...stays, secretGen: stays.secretGen + 1 });
    },
  );

  it('are erased in the directories of other processes too, when those tidy up (TE-11, LOG-08)', async () => {
    const { first } = await linkAndBackUp(['user-1', 'user-2']);
    await refresh(first, 'user-1');
    await refresh(first, 'user-2');
    const [gone, stays] = [await readRow(first.databaseUrl, 'user-1'), await readRow(first.databaseUrl, 'user-2')];
    const other = await start(first, first.databaseUrl, otherJournal);
    await other.api.delete(pathOf('user-1')).expect(200);
    await until('the files are kept', async () => (await readdir(journal)).every((file) => file.endsWith('.kept')));
    expect(await journalText()).toContain(gone.id);
    await first.app.get(RefreshJournal, { strict: false }).tidy();
    expect(await journalText()).not.toContain(gone.id);
    expect(await journalText()).toContain(stays.id);
  });

  it('have neither a token nor the id of a user in clear (CR-12, LOG-08)', async () => {
    const { first } = await linkAndBackUp(['user-1']);
    await refresh(first, 'user-1');
    const response = await first.api.get(`${pathOf('user-1')}/token`).expect(200);
    const { access_token: token } = response.body as { access_token: string };
    await until('the file is kept', async () => (await readdir(journal)).join().endsWith('.kept'));
    const text = await journalText();
    for (const secret of [token, 'user-1']) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('base64').slice(0, -4));
    }
  });
});
