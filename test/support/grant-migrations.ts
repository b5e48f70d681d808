import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
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
import type { CallKind } from '../../src/sandbox/call-history.js';
import { startApplication, type TestApplication } from './application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from './linking.js';
import { checkout, startProcess, type ServiceProcess } from './service-process.js';
import { changeRows, rowsOf } from './rows.js';

export const old = 'garmin-oauth1';
export const successor = 'garmin';

/** Lets a test do something in front of a step. */
@Injectable()
export class HookedStore extends MigrationStore {
  beforeLease: () => Promise<unknown> = () => Promise.resolve();
  beforeBegin: () => Promise<unknown> = () => Promise.resolve();
  beforeKeep: () => Promise<unknown> = () => Promise.resolve();
  beforeReplace: () => Promise<unknown> = () => Promise.resolve();
  beforeRemove: () => Promise<unknown> = () => Promise.resolve();

  constructor(database: Database) {
    super(database);
  }

  override async lease(
    place: MigratedConnectionRef,
    leaseId: string,
    to: { readonly slug: string; readonly registrationId: string },
  ): Promise<LeasedMigration | undefined> {
    await this.beforeLease();
    return super.lease(place, leaseId, to);
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
export class HookedJournal extends ExchangeJournal {
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
export class HookedConnections extends ConnectionStore {
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

/**
 * Gives the tests around it an application with hooks in front of the steps of a migration, and what they do with it.
 * Each test's users are erased after it, and the providers behave again.
 */
export function useMigrations() {
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
    store.beforeLease =
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

  /** Returns an account that nobody has. */
  function newAccount(): string {
    accounts += 1;
    return String(accounts);
  }

  function eraseAfterwards(user: string): void {
    users.push(user);
  }

  /** Links a new user, with an account that nobody else has, to the provider that is replaced. */
  async function linkedUser(): Promise<{ user: string; account: string; connectionId: string }> {
    const account = newAccount();
    const user = `migrating-${account}`;
    eraseAfterwards(user);
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
  async function endLeases(): Promise<void> {
    await changeRows(application.databaseUrl, 'grant_migrations', { leased_until: 'now' });
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
    return Object.fromEntries(
      [old, successor].map((slug) => [slug, application.sandbox.provider(slug).history.length]),
    );
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
    const rows = await rowsOf(application.databaseUrl, 'grant_migrations', { user_id: user });
    expect(rows).toEqual([]);
  }

  /** Checks that the old connection works, and that there is none to the successor. */
  async function expectUntouched(user: string): Promise<void> {
    const response = await application.api.get(`/v1/users/${user}/connections/${old}/token`).expect(200);
    expect(application.sandbox.provider(old).isLiveAccessToken((response.body as { token: string }).token)).toBe(true);
    await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
  }

  async function stateOf(user: string): Promise<string | undefined> {
    const [row] = await rowsOf<{ state: string }>(application.databaseUrl, 'grant_migrations', { user_id: user });
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

  return {
    get application() {
      return application;
    },
    get store() {
      return store;
    },
    get journal() {
      return journal;
    },
    get directory() {
      return directory;
    },
    newAccount,
    eraseAfterwards,
    linkedUser,
    relinkAccount,
    run,
    startCommand,
    runCommand,
    endLeases,
    calls,
    callsSoFar,
    liveGrants,
    tokenOf,
    expectMigrated,
    expectUntouched,
    stateOf,
    auditOf,
  };
}
