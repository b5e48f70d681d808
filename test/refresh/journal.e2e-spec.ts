import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { Database } from '../../src/database/database.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet } from '../../src/tokens/store/connection.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import {
  failing,
  FaultyDatabase,
  faultyDatabase,
  serializationFailure,
  unavailable,
} from '../support/faulty-database.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount } from '../support/linking.js';
import { removeDirectory, startServiceOnFullDisk, waitUntilReady } from '../support/service-process.js';
import { at } from '../support/subject.js';
import { changeRows, makeRevocationsDue } from '../support/rows.js';
import { until } from '../support/until.js';

const tokenPath = '/v1/users/user-1/connections/whoop/token';
const lifetimeMs = 3_600_000;

/** Settle the promises that dead processes wait for. They run after the test, so that its own process can end. */
let burials: (() => void)[] = [];

/** A process that never gets to the commit: killed, or with a database that stays away. */
class LosingStore extends ConnectionStore {
  override saveRefreshed(_key: ConnectionKey, _tokens: SealedTokenSet): Promise<boolean> {
    return new Promise((resolve) => burials.push(() => resolve(false)));
  }

  override saveRotated(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    return this.saveRefreshed(key, tokens);
  }
}

describe('the journal of refreshed tokens', () => {
  let journal: string;
  let running: TestApplication[];
  /** For how long committed entries are kept. */
  let keepSeconds: string;

  beforeEach(async () => {
    journal = await mkdtemp(join(tmpdir(), 'cufflink-journal-'));
    running = [];
    keepSeconds = '0';
  });
  afterEach(async () => {
    burials.forEach((bury) => bury());
    burials = [];
    for (const application of running.reverse()) {
      await application.close();
    }
    await rm(journal, { recursive: true });
  });

  function environmentOf(directory: string | undefined): Record<string, string | undefined> {
    return {
      REFRESH_JOURNAL_DIRECTORY: directory,
      REFRESH_JOURNAL_KEEP_SECONDS: keepSeconds,
      REFRESH_IN_DOUBT_HOLD_SECONDS: '0',
    };
  }

  /** Links at a provider that kills the family on reuse, and refreshes in a process that dies before the commit. */
  async function dieBeforeCommit(
    directory: string | undefined,
    slug = 'whoop',
    wrong?: Misbehaviour,
  ): Promise<TestApplication> {
    const environment = environmentOf(directory);
    const first = await startApplication({ environment });
    running.push(first);
    await linkAccount(first, 'user-1', slug);
    first.clock.advance(slug === 'whoop' ? lifetimeMs : 24 * lifetimeMs);
    const { databaseUrl, rootKey, sandbox, clock } = first;
    const dying = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment,
      override: (builder) => builder.overrideProvider(ConnectionStore).useClass(LosingStore),
    });
    if (wrong !== undefined) {
      sandbox.provider(slug).misbehave(wrong);
    }
    // Nobody waits for its response, nor for its end: that is what dying means.
    running.push(dying);
    dying.api.get(tokenPath.replace('whoop', slug)).end(() => undefined);
    const { history } = sandbox.provider(slug);
    await until('the provider has responded', () =>
      history.some(({ kind, status }) => kind === 'refresh' && status === 200),
    );
    if (directory !== undefined) {
      await until('the whole line is there', async () =>
        (await readEntries(directory)).some((text) => text.endsWith('\n')),
      );
    }
    await changeRows(databaseUrl, 'connections', { leased_until: 'now' });
    return first;
  }

  async function restart(
    first: TestApplication,
    directory: string | undefined,
    options: ApplicationOptions = {},
  ): Promise<TestApplication> {
    const { databaseUrl, rootKey, sandbox, clock } = first;
    const environment = environmentOf(directory);
    const second = await startApplication({ databaseUrl, rootKey, sandbox, clock, environment, ...options });
    running.push(second);
    return second;
  }

  it('commits the responses of a dead process at the next start, and the grant stays alive (R-01)', async () => {
    const first = await dieBeforeCommit(journal);
    const second = await restart(first, journal);
    const token = await readToken(second);
    const fake = first.sandbox.provider('whoop');
    expect(fake.isLiveAccessToken(token)).toBe(true);
    expect(fake.history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);
    expect(await readdir(journal)).toEqual([]);

    second.clock.advance(lifetimeMs);
    await second.api.get(tokenPath).expect(200);
    expect(fake.history.filter(({ kind }) => kind === 'refresh').map(({ status }) => status)).toEqual([200, 200]);
  });

  it('keeps which scopes are unknown (TE-04)', async () => {
    const first = await dieBeforeCommit(journal, 'whoop', at({ type: 'fields', values: { scope: 7 } }));
    const second = await restart(first, journal);
    await readToken(second);
    const { body } = (await second.api.get(tokenPath.replace('/token', '')).expect(200)) as { body: object };
    expect(body).toMatchObject({ scopes_granted: null, scopes_missing: null });
  });

  it('commits the refresh token of a response that could not be used, and spends it then (R-01, TE-04)', async () => {
    const first = await dieBeforeCommit(journal, 'whoop', at({ type: 'badTokenType' }));
    const second = await restart(first, journal);
    expect(await auditEntriesOf(second, 'user-1')).toContain(
      'token.refresh_failed failed service TOKEN_RESPONSE_INVALID',
    );
    const token = await readToken(second);
    const fake = first.sandbox.provider('whoop');
    expect(fake.isLiveAccessToken(token)).toBe(true);
    expect(fake.history.filter(({ kind }) => kind === 'refresh').map(({ status }) => status)).toEqual([200, 200]);
  });

  it('commits it before the refresh token would be sent again, without a restart (R-05)', async () => {
    const first = await dieBeforeCommit(journal);
    await first.api.get(tokenPath).expect(200);
    expect(first.sandbox.provider('whoop').history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);
  });

  it('does not send the refresh token again while an entry of it cannot be committed (R-05)', async () => {
    const first = await dieBeforeCommit(journal);
    const [file = ''] = await readdir(journal);
    const entry = await readFile(join(journal, file));
    await rm(join(journal, file));
    const second = await restart(first, journal, faultyDatabase);
    const database = second.app.get<FaultyDatabase>(Database, { strict: false });
    // Under another name: the other processes wait for some seconds before they take it for left over.
    await writeFile(join(journal, 'new.journal'), entry);
    database.refuse = failing('connections-save-refreshed', 1, unavailable);

    const refused = await second.api.get(tokenPath).expect(503);
    expect((refused.body as { code: string }).code).toBe('DATABASE_UNAVAILABLE');

    const fake = first.sandbox.provider('whoop');
    expect(fake.isLiveAccessToken(await readToken(second))).toBe(true);
    expect(fake.history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);
  });

  it('without a journal the same death loses the grant at a strict provider (R-01)', async () => {
    const first = await dieBeforeCommit(undefined);
    const second = await restart(first, undefined);
    await second.api.get(tokenPath).expect(503);
    expect(first.sandbox.provider('whoop').liveGrants()).toEqual([]);
  });

  it('has no token in clear in it (CR-12)', async () => {
    const first = await dieBeforeCommit(journal);
    const [file = ''] = await readdir(journal);
    const text = await readFile(join(journal, file), 'utf8');
    const second = await restart(first, journal);
    const token = await readToken(second);
    expect(text).not.toContain(token);
    expect(text).not.toContain(Buffer.from(token).toString('base64').slice(0, -4));
  });

  it('has no id of the user in clear in it, and is empty once the user is erased (LOG-08)', async () => {
    keepSeconds = '3600';
    const first = await dieBeforeCommit(journal);
    expect((await readEntries(journal)).join()).not.toMatch(/user-1|dXNlci0x/);
    await first.api.delete('/v1/users/user-1').expect(200);
    await restart(first, journal);
    expect(await readdir(journal)).toEqual([]);
    await first.api.get(tokenPath).expect(404);
  });

  it.each(['unlinked', 'erased', 'linked anew'])(
    'ends the grant of a user who was %s between the death and the replay (TE-11, LOG-08)',
    async (what) => {
      keepSeconds = '3600';
      const first = await dieBeforeCommit(journal, 'garmin');
      const fake = first.sandbox.provider('garmin');
      const [file = ''] = await readdir(journal);
      const entry = await readFile(join(journal, file));
      await rm(join(journal, file));
      await first.api.delete(`/v1/users/user-1${what === 'erased' ? '' : '/connections/garmin'}`).expect(200);
      // A provider that does not punish it when an old token is used again: what the dead process received lives on.
      expect(fake.liveGrants()).toHaveLength(1);
      if (what === 'linked anew') {
        await linkAccount(first, 'user-1', 'garmin');
      }
      await writeFile(join(journal, 'new.journal'), entry);

      const second = await restart(first, journal);
      expect(await readEntries(journal)).toEqual([]);
      await makeRevocationsDue(first.databaseUrl);
      second.app.get(RevocationOutbox, { strict: false }).processNow();

      if (what === 'linked anew') {
        await second.api.get('/v1/users/user-1/connections/garmin/token').expect(200);
      } else {
        await until('the grant has ended', () => fake.liveGrants().length === 0);
        await second.api.get('/v1/users/user-1/connections/garmin').expect(404);
      }
    },
  );

  it('keeps an entry with the owner of another one, and commits nothing of it (CR-03)', async () => {
    const first = await dieBeforeCommit(journal);
    const [file = ''] = await readdir(journal);
    const entry = JSON.parse(await readFile(join(journal, file), 'utf8')) as { secretGen: number };
    await writeFile(join(journal, file), `${JSON.stringify({ ...entry, secretGen: entry.secretGen + 1 })}\n`);
    await restart(first, journal);
    expect((await readdir(journal)).join()).toMatch(/\.damaged$/);
  });

  it('keeps an entry that it cannot read for the operator, and starts all the same', async () => {
    await writeFile(join(journal, 'one.journal'), '{"half": \n');
    await writeFile(join(journal, 'other.journal'), '{"owner": 1}\n');
    const application = await startApplication({ environment: { REFRESH_JOURNAL_DIRECTORY: journal } });
    running.push(application);
    expect((await readEntries(journal)).sort()).toEqual(['{"half": \n', '{"owner": 1}\n']);
  });

  it('commits the other files when one is not a file, and keeps that one for the operator (R-01)', async () => {
    const first = await dieBeforeCommit(journal);
    await mkdir(join(journal, '0.journal'));
    const second = await restart(first, journal);
    expect((await readdir(journal)).join()).toMatch(/^[0-9a-f-]+\.journal\.damaged$/);
    expect(first.sandbox.provider('whoop').isLiveAccessToken(await readToken(second))).toBe(true);
  });

  it('starts although PostgreSQL refuses an entry, which stays (R-01)', async () => {
    const first = await dieBeforeCommit(journal);
    class RefusingStore extends ConnectionStore {
      override saveRefreshed(): Promise<boolean> {
        return Promise.reject(serializationFailure());
      }
    }
    await restart(first, journal, {
      override: (builder) => builder.overrideProvider(ConnectionStore).useClass(RefusingStore),
    });
    expect(await readdir(journal)).toHaveLength(1);
    const third = await restart(first, journal);
    expect(first.sandbox.provider('whoop').isLiveAccessToken(await readToken(third))).toBe(true);
  });

  it('does not start when its directory cannot be written', async () => {
    const file = join(journal, 'file');
    await writeFile(file, '');
    const starting = startApplication({ environment: { REFRESH_JOURNAL_DIRECTORY: file } });
    await expect(starting).rejects.toThrow(/^REFRESH_JOURNAL_DIRECTORY /);
  });

  it('ignores a half-written entry at the end of a file, and reads those before it (R-01)', async () => {
    const first = await dieBeforeCommit(journal);
    const [file = ''] = await readdir(journal);
    const line = await readFile(join(journal, file), 'utf8');
    await writeFile(join(journal, file), line + line.slice(0, line.length / 2));
    const second = await restart(first, journal);
    expect(await readEntries(journal)).toEqual([]);
    expect(first.sandbox.provider('whoop').isLiveAccessToken(await readToken(second))).toBe(true);
  });

  it('loses nothing when a replica starts on the directory of a running one (R-01)', async () => {
    const first = await startApplication({ environment: environmentOf(journal) });
    running.push(first);
    const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);
    for (const user of users) {
      await linkAccount(first, user, 'whoop');
    }
    const refreshes = users.map((user) => first.api.post(`/v1/users/${user}/connections/whoop/refresh`).expect(200));
    await restart(first, journal);
    await Promise.all(refreshes);
    await until('the journal is empty', async () => (await readdir(journal)).length === 0);
    expect(first.sandbox.provider('whoop').history.filter(({ kind }) => kind === 'refresh')).toHaveLength(users.length);
  });

  it('that has no room for an entry stops no refresh, and logs it (R-05)', async () => {
    const application = await startApplication();
    running.push(application);
    await linkAccount(application, 'user-1', 'whoop');
    const port = await findFreePort();
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-full-disk-'));
    const service = startServiceOnFullDisk(directory, {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(port),
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      SANDBOX_URL: application.sandbox.url,
      REFRESH_SCHEDULER: 'off',
      REFRESH_JOURNAL_DIRECTORY: journal,
    });
    try {
      const url = `http://127.0.0.1:${port}`;
      await waitUntilReady(service, url);
      const headers = { authorization: `Bearer ${await application.createKey('connections:write', 'admin')}` };
      const refresh = { method: 'POST', headers };
      const response = await fetch(`${url}/v1/users/user-1/connections/whoop/refresh`, refresh);
      expect(response.status).toBe(200);
      const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
      expect(metrics).toMatch(/^cufflink_refresh_journal_failures_total 1$/m);
      expect(service.output()).toContain('EFBIG');
      expect(await readdir(journal)).toEqual([]);
    } finally {
      await service.stop();
      await removeDirectory(directory);
    }
    expect(application.sandbox.provider('whoop').isLiveAccessToken(await readToken(application))).toBe(true);
  });

  it('is empty after a refresh that went well', async () => {
    const application = await startApplication({ environment: environmentOf(journal) });
    running.push(application);
    await linkAccount(application, 'user-1', 'whoop');
    await application.api.post('/v1/users/user-1/connections/whoop/refresh').expect(200);
    await until('the journal is empty', async () => (await readdir(journal)).length === 0);
  });
});

/** Returns the texts of all files of a journal. */
async function readEntries(directory: string): Promise<string[]> {
  return Promise.all((await readdir(directory)).map((file) => readFile(join(directory, file), 'utf8')));
}

async function readToken({ api }: TestApplication): Promise<string> {
  const response = await api.get(tokenPath).expect(200);
  return (response.body as { access_token: string }).access_token;
}
