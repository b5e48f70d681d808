import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { StoredAccount, SealedTokenSet, Connection } from '../../src/tokens/store/connection.js';
import { ExchangeJournal } from '../../src/tokens/migration/exchange-journal.js';
import {
  type LeasedMigration,
  MigrationStore,
  type MigratedConnectionRef,
  type NewConnection,
} from '../../src/tokens/migration/migration-store.js';
import type { MigratedConnection } from '../../src/tokens/migration/connection-migrator.js';
import { MigrationRun, type MigrationOptions } from '../../src/tokens/migration/migration-run.js';
import { tokensConfig, type TokensConfig } from '../../src/tokens/tokens.config.js';
import { KeyAdministration } from '../../src/vault/key-administration.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import type { CallKind } from '../../src/sandbox/call-history.js';
import { type HoldPoint, StatementProxy } from '../faults/support/statement-proxy.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { checkout, startProcess, type ServiceProcess } from '../support/service-process.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const old = 'garmin-oauth1';
const successor = 'garmin';
const hourMs = 3_600_000;
/** Longer than any command takes that is going to be killed. */
const forEver = 600_000;

/** Lets a test do something in front of a step. */
@Injectable()
class HookedStore extends MigrationStore {
  beforeClaim: () => Promise<unknown> = () => Promise.resolve();
  beforeBegin: () => Promise<unknown> = () => Promise.resolve();
  beforeKeep: () => Promise<unknown> = () => Promise.resolve();
  beforeReplace: () => Promise<unknown> = () => Promise.resolve();
  beforeRemove: () => Promise<unknown> = () => Promise.resolve();

  constructor(database: Database) {
    super(database);
  }

  override async lease(
    place: MigratedConnectionRef,
    claimId: string,
    to: { readonly slug: string; readonly registrationId: string },
  ): Promise<LeasedMigration | undefined> {
    await this.beforeClaim();
    return super.lease(place, claimId, to);
  }

  override async begin(leased: LeasedMigration, secretGen: number): Promise<boolean> {
    await this.beforeBegin();
    return super.begin(leased, secretGen);
  }

  override async saveResult(leased: LeasedMigration, secretGen: number, sealed: Buffer): Promise<boolean> {
    await this.beforeKeep();
    return super.saveResult(leased, secretGen, sealed);
  }

  override async replace(
    leased: LeasedMigration,
    connection: NewConnection,
    tokens: SealedTokenSet,
    account: StoredAccount,
  ): ReturnType<MigrationStore['replace']> {
    await this.beforeReplace();
    return super.replace(leased, connection, tokens, account);
  }

  override async remove(leased: LeasedMigration, secretGen: number, linked: Connection): Promise<boolean> {
    await this.beforeRemove();
    return super.remove(leased, secretGen, linked);
  }
}

/** Lets a test do something between the response of the provider and its first copy. */
@Injectable()
class HookedJournal extends ExchangeJournal {
  beforeRecord: () => Promise<unknown> = () => Promise.resolve();

  constructor(@Inject(tokensConfig.KEY) config: TokensConfig) {
    super(config);
  }

  override async record(key: string, sealed: Buffer): Promise<void> {
    await this.beforeRecord();
    return super.record(key, sealed);
  }
}

/** Lets a test do something behind the list that an erasure works off. */
@Injectable()
class HookedConnections extends ConnectionStore {
  afterList: () => Promise<unknown> = () => Promise.resolve();

  constructor(database: Database) {
    super(database);
  }

  override async list(userId: string): Promise<Connection[]> {
    const rows = await super.list(userId);
    await this.afterList();
    return rows;
  }
}

/** What is tested, taken away: nothing says that an exchange was begun. */
@Injectable()
class ForgetfulStore extends MigrationStore {
  constructor(database: Database) {
    super(database);
  }

  override begin(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

let application: TestApplication;
let store: HookedStore;
let journal: HookedJournal;
let accounts = 500_000;
let directory: string;
const users: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-migrations-'));
  application = await startApplication({
    environment: { ACCOUNT_SHARING: 'deny', REFRESH_JOURNAL_DIRECTORY: join(directory, 'journal') },
    override: (builder) =>
      builder
        .overrideProvider(MigrationStore)
        .useClass(HookedStore)
        .overrideProvider(ExchangeJournal)
        .useClass(HookedJournal)
        .overrideProvider(ConnectionStore)
        .useClass(HookedConnections),
  });
  store = application.app.get<HookedStore>(MigrationStore, { strict: false });
  journal = application.app.get<HookedJournal>(ExchangeJournal, { strict: false });
});
afterEach(async () => {
  store.beforeClaim =
    store.beforeBegin =
    store.beforeKeep =
    store.beforeReplace =
    store.beforeRemove =
      () => Promise.resolve();
  journal.beforeRecord = () => Promise.resolve();
  for (const slug of [old, successor]) {
    application.sandbox.provider(slug).behave();
  }
  for (const user of users.splice(0)) {
    await application.api.delete(`/v1/users/${user}`).expect(200);
  }
});
afterAll(async () => {
  await application?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Links a new user, with an account that nobody else has, to the provider that is replaced. */
async function linkedUser(): Promise<{ user: string; account: string; connectionId: string }> {
  accounts += 1;
  const [user, account] = [`migrating-${accounts}`, String(accounts)];
  users.push(user);
  return { user, account, connectionId: await linkAccount(application, user, old, { account }) };
}

/** Links another account in the place of the one that a connection has. */
async function relinkAccount(user: string, account: string): Promise<void> {
  const { linkWebUrl } = await startLink(application, user, old, { on_account_change: 'replace' });
  await application.browser.get(pathOf(await consent(linkWebUrl, { account }))).expect(200);
}

/** Runs a migration inside this process. */
async function run(
  options: Partial<MigrationOptions> = {},
  { app }: Pick<TestApplication, 'app'> = application,
): Promise<{ finished: boolean; results: MigratedConnection[] }> {
  const results: MigratedConnection[] = [];
  const whole = { repeatUnanswered: false, perSecond: 1_000, limit: Infinity, ...options };
  const finished = await app.get(MigrationRun, { strict: false }).run(old, whole, (result) => results.push(result));
  return { finished, results };
}

/** Starts `npm run cli -- connections migrate`. */
function startCommand(databaseUrl: string, journal: string, ...args: string[]): ServiceProcess {
  return startProcess([join(checkout, 'dist/cli/main.js'), 'connections', 'migrate', old, ...args], directory, {
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    ENCRYPTION_ROOT_KEY: application.rootKey,
    SANDBOX_URL: application.sandbox.url,
    REFRESH_JOURNAL_DIRECTORY: join(directory, journal),
  });
}

async function runCommand(...args: string[]): Promise<{ status: number | null; output: string }> {
  const command = startCommand(application.databaseUrl, 'journal', ...args);
  const { status } = await command.ended();
  return { status, output: command.output() };
}

/** The leases of processes that are dead run out. */
async function endClaims(): Promise<void> {
  await queryDatabase(application.databaseUrl, 'UPDATE grant_migrations SET leased_until = now()');
}

/** How the calls of one kind for an account ended at a provider; for all accounts where none is given. */
function calls(slug: string, kind: CallKind, since = 0): string[] {
  return application.sandbox
    .provider(slug)
    .history.slice(since)
    .filter((entry) => entry.kind === kind)
    .map(({ outcome }) => outcome);
}

function callsSoFar(): { readonly [slug: string]: number } {
  return Object.fromEntries([old, successor].map((slug) => [slug, application.sandbox.provider(slug).history.length]));
}

/** Grants of an account that a provider honours. */
function liveGrants(slug: string, account: string): number {
  return application.sandbox
    .provider(slug)
    .liveGrants()
    .filter(({ accountId }) => accountId === account).length;
}

async function tokenOf(user: string, slug: string): Promise<string> {
  const response = await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
  return (response.body as { access_token: string }).access_token;
}

/** Checks that the user has a connection to the successor that works, and none to the old provider. */
async function expectMigrated(user: string, account: string): Promise<void> {
  const status = await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(200);
  expect(status.body).toMatchObject({ status: 'active' });
  await application.api.get(`/v1/users/${user}/connections/${old}`).expect(404);
  expect(application.sandbox.provider(successor).isLiveAccessToken(await tokenOf(user, successor))).toBe(true);
  expect(liveGrants(successor, account)).toBe(1);
  const rows = await queryDatabase(application.databaseUrl, 'SELECT FROM grant_migrations WHERE user_id = $1', [user]);
  expect(rows).toEqual([]);
}

/** Checks that the old connection works, and that there is none to the successor. */
async function expectUntouched(user: string): Promise<void> {
  const response = await application.api.get(`/v1/users/${user}/connections/${old}/token`).expect(200);
  expect(application.sandbox.provider(old).isLiveAccessToken((response.body as { token: string }).token)).toBe(true);
  await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
}

async function stateOf(user: string): Promise<string | undefined> {
  const [row] = await queryDatabase<{ state: string }>(
    application.databaseUrl,
    'SELECT state FROM grant_migrations WHERE user_id = $1',
    [user],
  );
  return row?.state;
}

async function auditOf(user: string): Promise<string[]> {
  const response = await application.api.get(`/v1/audit?user_id=${user}`).expect(200);
  const { entries } = response.body as { entries: { action: string; outcome: string }[] };
  return entries
    .map(({ action, outcome }) => `${action} ${outcome}`)
    .filter((text) => /exchange|migrated/.test(text))
    .reverse();
}

describe('O1-11 a migration of grants', () => {
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

  it('stops after as many connections as it was told', async () => {
    await linkedUser();
    await linkedUser();
    expect((await run({ limit: 1 })).results).toMatchObject([{ outcome: 'migrated' }]);
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
  });
});

describe('O1-11 a migration whose user or provider goes another way', () => {
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
    users.push('somebody-else');
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

  it('waits as long as the provider asks, and goes on', async () => {
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

  it('gives up at a provider that refuses our client, and asks for nobody else', async () => {
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

describe('O1-11 AR-24 a link that the user makes while a migration is under way', () => {
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
    accounts += 1;
    const other = String(accounts);
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
    accounts += 1;
    const other = String(accounts);
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

describe('O1-11 LOG-08 an erasure', () => {
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

describe('an exchange whose response comes after the time limit', () => {
  it('is finished with it (O1-11, R-08)', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave({ endpoint: 'exchange', type: 'slow', ms: 12_000 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(old, 'exchange', before[old])).toHaveLength(1);
    await expectMigrated(user, account);
  });
});

describe('O1-11 an exchange whose response is lost', () => {
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

  it('is forgotten when the user links the old provider anew', async () => {
    const { user, account } = await linkedUser();
    application.sandbox.provider(old).misbehave(lost);
    await run();
    application.sandbox.provider(successor).revokeGrant(account);
    await linkAccount(application, user, old, { account });

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
  });
});

describe('O1-11 a run that comes back after its lease has run out', () => {
  it('keeps the response that nobody else has, for the next run', async () => {
    const { user, account } = await linkedUser();
    const before = callsSoFar();
    journal.beforeRecord = async () => {
      await endClaims();
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
    await endClaims();
    store.beforeKeep = () => Promise.resolve();
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    await expectMigrated(user, account);
    expect(calls(old, 'exchange', before[old])).toEqual(['ok']);
  });
});

describe('O1-11 a run that is killed', () => {
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
      await endClaims();
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

  it('LOG-08 leaves nothing behind of a user who is erased before it is resumed', async () => {
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
    const administration = application.app.get(KeyAdministration, { strict: false });
    await administration.promote(await administration.add(purpose), 0, true);
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

// In the end, as the clock is put forward that commands in processes of their own do not share.
describe('O1-11 R-01 a migration whose new token has expired before it was used', () => {
  const lost = { endpoint: 'refresh', type: 'drop', processed: true } as const;

  /**
   * Links a user whose grant is exchanged by a run that is lost before it puts the new connection in place; a day
   * later.
   */
  async function exchangedADayAgo(): ReturnType<typeof linkedUser> {
    const linked = await linkedUser();
    await breakOff('beforeReplace');
    application.clock.advance(25 * hourMs);
    return linked;
  }

  /** Loses a run in front of a step. */
  async function breakOff(step: 'beforeKeep' | 'beforeReplace'): Promise<void> {
    store[step] = () => Promise.reject(new Error('The run was lost.'));
    await expect(run()).rejects.toThrow('The run was lost.');
    store[step] = () => Promise.resolve();
    await endClaims();
  }

  it('sends no refresh token again whose response was lost', async () => {
    const { user, account, connectionId } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave(lost);
    const before = callsSoFar();

    await expect(run()).resolves.toMatchObject({
      finished: false,
      results: [{ outcome: 'in_doubt', connectionId, code: 'PROVIDER_UNAVAILABLE' }],
    });
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    expect(liveGrants(successor, account)).toBe(1);
    await expectUntouched(user);
    expect((await run({ repeatUnanswered: true })).results).toMatchObject([
      { outcome: 'in_doubt', code: 'AUTHORIZATION_FAILED' },
    ]);
    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectUntouched(user);
  });

  it('is finished with the response to its refresh that comes after the time limit (R-08)', async () => {
    const { user, account } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave({ endpoint: 'refresh', type: 'slow', ms: 12_000 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(successor, 'refresh', before[successor])).toHaveLength(1);
    await expectMigrated(user, account);
  });

  it('is resumed with the response where the run is lost with it in its hands', async () => {
    const { user, account } = await exchangedADayAgo();
    const before = callsSoFar();

    await breakOff('beforeKeep');

    await expect(stateOf(user)).resolves.toBe('begun');
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectMigrated(user, account);
  });

  it('does not take the token set that was spent for the response, where the journal has it still', async () => {
    const { user, connectionId } = await exchangedADayAgo();
    const sealedSets = `SELECT sealed, id || '-' || secret_gen AS key FROM grant_migrations WHERE user_id = $1`;
    const [spent] = await queryDatabase<{ sealed: Buffer; key: string }>(application.databaseUrl, sealedSets, [user]);
    store.beforeClaim = () => journal.record(spent?.key ?? '', spent?.sealed ?? Buffer.alloc(0));
    application.sandbox.provider(successor).misbehave(lost);
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);
    store.beforeClaim = () => Promise.resolve();
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectUntouched(user);
  });

  it('goes on after a refresh that was not made', async () => {
    const { user, account } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['status', 'ok']);
    await expectMigrated(user, account);
  });

  it('ends the refreshed grant of a user who is unlinked meanwhile', async () => {
    const { user, account } = await exchangedADayAgo();
    store.beforeKeep = () => application.api.delete(`/v1/users/${user}/connections/${old}`).expect(200);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect([liveGrants(old, account), liveGrants(successor, account)]).toEqual([0, 0]);
    await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
  });

  it('is left alone by a run whose lease has run out before the refresh', async () => {
    const { user, account } = await exchangedADayAgo();
    const before = callsSoFar();
    store.beforeBegin = async () => {
      store.beforeBegin = () => Promise.resolve();
      await endClaims();
      expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    };

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectMigrated(user, account);
  });
});
