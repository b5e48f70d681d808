import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { MigrationStore } from '../../src/tokens/migration/migration-store.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import type { CallKind } from '../../src/sandbox/call-history.js';
import { type HoldPoint, StatementProxy } from '../faults/support/statement-proxy.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { rotate } from '../support/key-rotation.js';
import { linkAccount } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { type HookedJournal, type HookedStore, old, successor, useMigrations } from '../support/grant-migrations.js';

const hourMs = 3_600_000;
/** Longer than any command takes that is going to be killed. */
const forEver = 600_000;

/** Lacks the tested defense: nothing says that an exchange was begun. */
@Injectable()
class ForgetfulStore extends MigrationStore {
  constructor(database: Database) {
    super(database);
  }

  override begin(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

const migrations = useMigrations();
const {
  linkedUser,
  run,
  startCommand,
  runCommand,
  endLeases,
  calls,
  callsSoFar,
  expectMigrated,
  expectUntouched,
  stateOf,
} = migrations;
let application: TestApplication;
let directory: string;
let journal: HookedJournal;
let store: HookedStore;

beforeAll(() => {
  ({ application, directory, journal, store } = migrations);
});

describe('an exchange with a response after the time limit', () => {
  it('is finished with it (O1-11, R-08)', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave({ endpoint: 'exchange', type: 'slow', ms: 12_000 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(old, 'exchange', before[old])).toHaveLength(1);
    await expectMigrated(user, account);
  });
});

describe('an exchange with a lost response (O1-11)', () => {
  const lost = { endpoint: 'exchange', type: 'drop', processed: true } as const;

  it('is not repeated by itself, and the old connection works on', async () => {
    const { user, connectionId } = await linkedUser();
    const next = await linkedUser();
    application.sandbox.provider(old).misbehave(lost);
    const before = callsSoFar();

    await expect(run()).resolves.toMatchObject({
      finished: false,
      results: [{ outcome: 'in_doubt', connectionId, code: 'PROVIDER_UNAVAILABLE' }],
    });
    await expectUntouched(next.user);
    await application.api.delete(`/v1/users/${next.user}`).expect(200);
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);

    expect(calls(old, 'exchange', before[old])).toHaveLength(1);
    await expectUntouched(user);
    const { status, output } = await runCommand();
    expect(status).toBe(1);
    expect(output).toMatch(new RegExp(`^${connectionId} +in_doubt`, 'm'));
  });

  it('is made a second time without the mark that it was begun', async () => {
    const { user } = await linkedUser();
    application.sandbox.provider(old).misbehave(lost);
    const forgetful = await startApplication({
      databaseUrl: application.databaseUrl,
      rootKey: application.rootKey,
      sandbox: application.sandbox,
      clock: application.clock,
      override: (builder) => builder.overrideProvider(MigrationStore).useClass(ForgetfulStore),
    });
    try {
      const before = callsSoFar();
      await run({}, forgetful);
      await run({}, forgetful);
      expect(calls(old, 'exchange', before[old]).slice(0, 2)).toEqual(['ok', 'token_used']);
    } finally {
      await forgetful.close();
    }
    await expectUntouched(user);
  });

  it('is repeated when the operator says so; a provider that refuses it loses nobody', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave(lost);
    await run();
    const before = callsSoFar();

    expect((await run({ repeatUnanswered: true })).results).toMatchObject([
      { outcome: 'in_doubt', code: 'AUTHORIZATION_FAILED' },
    ]);
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt' }]);
    expect(calls(old, 'exchange', before[old])).toEqual(['token_used']);
    await expectUntouched(user);
    await linkAccount(application, user, successor, { account });
    expect((await run()).results).toMatchObject([{ outcome: 'already_linked' }]);
  });

  it('is forgotten when the user links the old provider again', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave(lost);
    await run();
    application.sandbox.provider(successor).revokeGrant(account);
    await linkAccount(application, user, old, { account });

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
  });
});

describe('a run that comes back after its lease has run out (O1-11)', () => {
  it('keeps the response that nobody else has, for the next run', async () => {
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    journal.beforeRecord = async () => {
      await endLeases();
      expect((await run()).results).toMatchObject([{ outcome: 'in_doubt' }]);
    };

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    await expect(stateOf(user)).resolves.toBe('exchanged');
    await expectUntouched(user);
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
  });

  it('leaves its response in the journal while another run holds the migration', async () => {
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    store.beforeKeep = () =>
      queryDatabase(
        application.databaseUrl,
        `UPDATE grant_migrations SET lease_id = gen_random_uuid(), leased_until = now() + interval '1 hour'`,
      );

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    await expect(stateOf(user)).resolves.toBe('begun');
    await endLeases();
    store.beforeKeep = () => Promise.resolve();
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
  });
});

describe('a run that is killed (O1-11)', () => {
  let proxy: StatementProxy;
  beforeAll(async () => {
    proxy = await StatementProxy.start(() => application.databaseUrl);
  });
  afterAll(() => proxy?.stop());

  /** Kills a run when it gets somewhere. */
  async function kill(reached: () => Promise<void>, journal = 'journal'): Promise<void> {
    const command = startCommand(proxy.url, journal);
    try {
      await reached();
    } finally {
      await command.stop('SIGKILL');
      proxy.sever();
      await endLeases();
    }
  }

  const untilHeld = (point: HoldPoint) => (): Promise<void> => point.reached(1);
  const untilCalled = (slug: string, kind: CallKind, since: number) => (): Promise<void> =>
    until(`${slug} was called`, () => calls(slug, kind, since).length > 0);

  it.each([
    ['before it has leased anything', 'hold', 'grant-migrations-lease', undefined],
    ['after its lease', 'holdResponse', 'grant-migrations-lease', 'ready'],
    ['before the account is kept', 'hold', 'connections-learn-account', 'ready'],
    ['after the account was kept', 'holdResponse', 'connections-learn-account', 'ready'],
    ['before the exchange is marked as begun', 'hold', 'grant-migrations-begin', 'ready'],
    ['with the response in its hands', 'hold', 'grant-migrations-save-result', 'begun'],
    ['after the result was kept', 'holdResponse', 'grant-migrations-save-result', 'exchanged'],
    ['before the new connection stands', 'hold', 'grant-migrations-replace-connection', 'exchanged'],
    ['after the new connection stands', 'holdResponse', 'grant-migrations-replace-connection', undefined],
  ] as const)('%s is resumed, with one exchange and nobody lost', async (_title, order, statement, state) => {
    application.sandbox.provider(old).misbehave({ endpoint: 'account', type: 'status', code: 503 });
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    const point = proxy[order](statement);

    await kill(untilHeld(point));

    await expect(stateOf(user)).resolves.toBe(state);
    expect((await run()).results.filter(({ outcome }) => outcome !== 'migrated')).toEqual([]);
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
    expect(calls(old, 'revoke', before[old])).toEqual([]);
  });

  it('while the new grant is tried is resumed, with one exchange and nobody lost', async () => {
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    application.sandbox.provider(successor).misbehave({ endpoint: 'account', type: 'slow', ms: forEver });

    await kill(untilCalled(successor, 'account', before[successor] ?? 0));

    await expectUntouched(user);
    await expect(stateOf(user)).resolves.toBe('exchanged');
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
  });

  it.each([
    ['after the exchange was marked as begun', 'holdResponse', 'grant-migrations-begin', 0],
    ['with the response in its hands, and its journal lost', 'hold', 'grant-migrations-save-result', 1],
  ] as const)(
    '%s is in doubt: no second exchange, and the old connection works',
    async (_title, order, statement, made) => {
      const { user, connectionId } = await linkedUser();
      const before = callsSoFar();
      const point = proxy[order](statement);

      await kill(untilHeld(point), 'lost journal');

      expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);
      expect(calls(old, 'exchange', before[old])).toHaveLength(made);
      await expectUntouched(user);
      await application.api.get(`/v1/users/${user}/connections/${old}/token`).expect(200);
    },
  );

  it('leaves no data of a user who is erased before it is resumed (LOG-08)', async () => {
    const { user } = await linkedUser();
    await kill(untilHeld(proxy.hold('grant-migrations-save-result')));
    const left = async (): Promise<string[]> =>
      (await readdir(join(directory, 'journal'))).filter((name) => name.endsWith('.exchange'));
    await expect(left()).resolves.toHaveLength(1);
    await application.api.delete(`/v1/users/${user}`).expect(200);

    await run();

    await expect(left()).resolves.toEqual([]);
  });

  it('while the provider exchanges is in doubt: no second exchange, and the old connection works', async () => {
    const { user, connectionId } = await linkedUser();
    const before = callsSoFar();
    application.sandbox.provider(old).misbehave({ endpoint: 'exchange', type: 'slow', ms: forEver });

    await kill(untilCalled(old, 'exchange', before[old] ?? 0));

    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);
    expect(calls(old, 'exchange', before[old])).toHaveLength(1);
    await expectUntouched(user);
  });

  it('is resumed after the keys were replaced', async () => {
    const { user, account } = await linkedUser();
    await kill(untilHeld(proxy.holdResponse('grant-migrations-save-result')));
    const purpose = 'grant_migrations.sealed';
    await rotate(application, purpose);
    const done = await application.app.get(Reencryption, { strict: false }).run(purpose, 1_000, () => undefined);

    expect(done).toMatchObject({ moved: 1, unreadable: 0 });
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
  });

  // The last one: commands in processes of their own do not share the clock that is put forward.
  it('is resumed a day later, with a refreshed token', async () => {
    const { user, account } = await linkedUser();
    await kill(untilHeld(proxy.holdResponse('grant-migrations-save-result')));
    application.clock.advance(25 * hourMs);
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectMigrated(user, account);
  });
});
