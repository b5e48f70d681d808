import { beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { MigrationRun } from '../../src/tokens/migration/migration-run.js';
import type { TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import {
  type HookedConnections,
  type HookedStore,
  old,
  successor,
  useMigrations,
} from '../support/grant-migrations.js';

const migrations = useMigrations();
const {
  newAccount,
  eraseAfterwards,
  linkedUser,
  relinkAccount,
  run,
  runCommand,
  calls,
  callsSoFar,
  liveGrants,
  tokenOf,
  expectMigrated,
  expectUntouched,
  stateOf,
  auditOf,
} = migrations;
let application: TestApplication;
let store: HookedStore;

beforeAll(() => {
  ({ application, store } = migrations);
});

describe('a migration of grants (O1-11)', () => {
  it('puts a connection of the successor in the place of the old one, and does not end the old grant', async () => {
    const { user, account } = await linkedUser();
    const before = callsSoFar();

    const { status, output } = await runCommand();

    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringMatching(/^migrated +1 /m) });
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
    expect(calls(old, 'revoke', before[old])).toEqual([]);
    expect(calls(successor, 'account', before[successor])).toEqual(['ok']);
    expect(liveGrants(old, account)).toBe(1);
    await expect(auditOf(user)).resolves.toEqual([
      'connection.exchange_begun success',
      'connection.exchanged success',
      'connection.migrated success',
    ]);
  });

  it('only counts in a dry run, and asks the provider nothing', async () => {
    const { user } = await linkedUser();
    const before = callsSoFar();

    const { status, output } = await runCommand('--dry-run');

    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringMatching(/^not exchanged yet +1$/m) });
    expect(callsSoFar()).toEqual(before);
    await expect(stateOf(user)).resolves.toBeUndefined();
    await expectUntouched(user);
  });

  it('refuses a provider whose grants cannot be exchanged', async () => {
    for (const slug of ['whoop', 'fitbit-oauth1']) {
      await expect(application.app.get(MigrationRun, { strict: false }).count(slug)).rejects.toThrow('link again');
    }
  });

  it('learns and keeps the account before it exchanges anything', async () => {
    application.sandbox.provider(old).misbehave({ endpoint: 'account', type: 'status', code: 503 });
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    application.sandbox.provider(old).misbehave({ endpoint: 'exchange', type: 'status', code: 400 });

    expect((await run()).results).toMatchObject([{ outcome: 'failed', code: 'AUTHORIZATION_FAILED' }]);
    const kinds = application.sandbox
      .provider(old)
      .history.slice(before[old])
      .map(({ kind }) => kind);
    expect(kinds).toEqual(['account', 'exchange']);
    const facts = await application.api.get(`/v1/users/${user}/export`).expect(200);
    expect(facts.body).toMatchObject({
      connections: [{ provider: old, provider_user_id: account }],
      migrations: [{ provider: old, successor, state: 'ready', last_error_code: 'AUTHORIZATION_FAILED' }],
    });
    await expectUntouched(user);

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
    expect(calls(old, 'account', before[old])).toEqual(['ok']);
  });

  it('is shared by runs at the same time, each connection exchanged once', async () => {
    const linked = [];
    for (let count = 0; count < 8; count += 1) {
      linked.push(await linkedUser());
    }
    const before = callsSoFar();

    const runs = await Promise.all([run(), run(), run()]);

    const outcomes = runs.flatMap(({ results }) => results.map(({ outcome }) => outcome));
    expect(outcomes.filter((outcome) => outcome === 'migrated')).toHaveLength(8);
    expect(outcomes.filter((outcome) => !['migrated', 'passed_by'].includes(outcome))).toEqual([]);
    expect(calls(old, 'exchange', before[old])).toEqual(Array.from({ length: 8 }, () => 'ok'));
    for (const { user, account } of linked) {
      await expectMigrated(user, account);
    }
  });

  it('is left alone by another run while one works on it', async () => {
    const { user, account } = await linkedUser();
    store.beforeKeep = async () => {
      expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);
    };

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    await expectMigrated(user, account);
  });

  it('stops after the given number of connections', async () => {
    await linkedUser();
    await linkedUser();
    expect((await run({ limit: 1 })).results).toMatchObject([{ outcome: 'migrated' }]);
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
  });
});

describe('a migration during an unlink, an erasure or a new link (O1-11)', () => {
  it('ends without an exchange where the user has linked the same account with the successor', async () => {
    const { user, account } = await linkedUser();
    await linkAccount(application, user, successor, { account });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'already_linked' }]);

    expect(calls(old, 'exchange', before[old])).toEqual([]);
    expect(calls(old, 'revoke', before[old])).toEqual([]);
    await expectMigrated(user, account);
  });

  it('does so also where the account of the old connection was not known', async () => {
    application.sandbox.provider(old).misbehave({ endpoint: 'account', type: 'status', code: 503 });
    const { user, account } = await linkedUser();
    await linkAccount(application, user, successor, { account });

    expect((await run()).results).toMatchObject([{ outcome: 'already_linked' }]);

    await expectMigrated(user, account);
  });

  it('keeps both connections where the user has linked another account with the successor', async () => {
    const { user, connectionId } = await linkedUser();
    await linkAccount(application, user, successor, { account: '7' });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'conflict', connectionId }]);

    expect(calls(old, 'exchange', before[old])).toEqual([]);
    await tokenOf(user, successor);
    await application.api.get(`/v1/users/${user}/connections/${old}/token`).expect(200);
  });

  it('takes the link that the user makes between exchange and end', async () => {
    const { user, account } = await linkedUser();
    store.beforeReplace = () => linkAccount(application, user, successor, { account });

    expect((await run()).results).toMatchObject([{ outcome: 'already_linked' }]);

    await application.api.get(`/v1/users/${user}/connections/${old}`).expect(404);
    await tokenOf(user, successor);
  });

  it('exchanges nothing where another user has the account with the successor', async () => {
    const { user, account } = await linkedUser();
    eraseAfterwards('somebody-else');
    await linkAccount(application, 'somebody-else', successor, { account });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'failed', code: 'ACCOUNT_ALREADY_LINKED' }]);

    expect(calls(old, 'exchange', before[old])).toEqual([]);
    await expectUntouched(user);
  });

  it('uses no grant of another account, and keeps the old connection', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(successor).misbehave(
      {
        endpoint: 'account',
        type: 'status',
        code: 200,
        body: '{"userId":"somebody-else"}',
        contentType: 'application/json',
      },
      Infinity,
    );

    expect((await run()).results).toMatchObject([{ outcome: 'other_account' }]);
    expect((await run()).results).toMatchObject([{ outcome: 'other_account' }]);

    await expectUntouched(user);
    application.sandbox.provider(successor).behave();
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
  });

  it('waits as long as the provider asks, and continues', async () => {
    const { user, account } = await linkedUser();
    application.sandbox
      .provider(old)
      .misbehave({ endpoint: 'exchange', type: 'status', code: 429, headers: { 'Retry-After': '1' } });
    const before = callsSoFar();
    const startedAtMs = performance.now();

    expect(await run()).toMatchObject({ finished: true, results: [{ outcome: 'migrated' }] });

    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(1_000);
    expect(calls(old, 'exchange', before[old])).toEqual(['status', 'ok']);
    await expectMigrated(user, account);
  });

  it('gives up at a provider that refuses the client, and looks up no other account', async () => {
    const [first, second] = [await linkedUser(), await linkedUser()];
    application.sandbox
      .provider(old)
      .misbehave({ endpoint: 'exchange', type: 'error', error: 'consumer_key_rejected', status: 401 }, Infinity);
    const before = callsSoFar();

    const { status, output } = await runCommand();

    expect({ status, output }).toMatchObject({ status: 1, output: expect.stringContaining('Stopped early') });
    expect(output).toContain(first.connectionId);
    expect(calls(old, 'exchange', before[old])).toEqual(['consumer_key_rejected']);
    await expectUntouched(first.user);
    await expectUntouched(second.user);
  });

  it.each(['unlinked', 'erased'] as const)(
    'ends the new grant of a user who is %s during the exchange',
    async (how) => {
      const { user, account } = await linkedUser();
      const path = how === 'erased' ? `/v1/users/${user}` : `/v1/users/${user}/connections/${old}`;
      store.beforeKeep = () => application.api.delete(path).expect(200);

      expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

      expect([liveGrants(old, account), liveGrants(successor, account)]).toEqual([0, 0]);
      for (const slug of [old, successor]) {
        await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
      }
      await expect(stateOf(user)).resolves.toBeUndefined();
    },
  );

  it('ends the new grant of such a user by itself, also while the old one cannot be ended', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave({ endpoint: 'revoke', type: 'status', code: 503 });
    store.beforeKeep = () => application.api.delete(`/v1/users/${user}/connections/${old}`).expect(200);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect([liveGrants(old, account), liveGrants(successor, account)]).toEqual([1, 0]);
  });

  it.each(['unlinked', 'erased'] as const)('brings no user back who is %s before the new connection', async (how) => {
    const { user, account } = await linkedUser();
    const path = how === 'erased' ? `/v1/users/${user}` : `/v1/users/${user}/connections/${old}`;
    store.beforeReplace = () => application.api.delete(path).expect(200);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect([liveGrants(old, account), liveGrants(successor, account)]).toEqual([0, 0]);
    await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
  });
});

describe('a link that the user makes while a migration is under way (O1-11, AR-24)', () => {
  /** Checks that the old connection works, and is of this account. */
  async function expectLinked(user: string, account: string): Promise<void> {
    const response = await application.api.get(`/v1/users/${user}/connections/${old}/token`).expect(200);
    expect(application.sandbox.provider(old).isLiveAccessToken((response.body as { token: string }).token)).toBe(true);
    const facts = await application.api.get(`/v1/users/${user}/export`).expect(200);
    expect((facts.body as { connections: object[] }).connections).toContainEqual(
      expect.objectContaining({ provider: old, provider_user_id: account }),
    );
  }

  it('is not overwritten by the account that the old provider had before', async () => {
    const { user } = await linkedUser();
    const other = newAccount();
    store.beforeReplace = () => relinkAccount(user, other);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    await expectLinked(user, other);
    await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
    store.beforeReplace = () => Promise.resolve();
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, other);
  });

  it('is not removed for a connection of the account that the old provider had before', async () => {
    const { user, account } = await linkedUser();
    await linkAccount(application, user, successor, { account });
    const other = newAccount();
    store.beforeRemove = () => relinkAccount(user, other);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    await expectLinked(user, other);
    expect((await run()).results).toMatchObject([{ outcome: 'conflict' }]);
  });

  it('is no reason to remove the old connection once it is unlinked again', async () => {
    const { user, account } = await linkedUser();
    await linkAccount(application, user, successor, { account });
    store.beforeRemove = () => application.api.delete(`/v1/users/${user}/connections/${successor}`).expect(200);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    await expectLinked(user, account);
  });
});

describe('an erasure (O1-11, LOG-08)', () => {
  it('also ends the connection that a migration puts behind its back in the place of one', async () => {
    const { user, account } = await linkedUser();
    const connections = application.app.get<HookedConnections>(ConnectionStore, { strict: false });
    connections.afterList = async () => {
      connections.afterList = () => Promise.resolve();
      expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    };

    await application.api.delete(`/v1/users/${user}`).expect(200);

    expect(liveGrants(successor, account)).toBe(0);
    for (const slug of [old, successor]) {
      await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(404);
    }
  });
});
