import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import type { OAuth2Definition } from '../../../src/provider-kit/definition/provider-definition.js';
import type { SandboxDefinition } from '../../../src/provider-kit/definition/sandbox-definition.js';
import { VendorSandbox } from '../../../src/sandbox/vendor-sandbox.js';
import { countAuditedIssues, countAuditedRefreshes } from '../../support/audit-entries.js';
import {
  readConnectionHistory,
  recordConnectionHistory,
  type StoredVersion,
} from '../../support/connection-history.js';
import {
  findFamily,
  findViolations,
  type ProviderRecords,
  refreshesOf,
  type Violation,
} from '../../support/history-checker.js';
import { type ApplicationOptions, startApplication, type TestApplication } from '../../support/application.js';
import { consent } from '../../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf as callbackPathOf, startLink } from '../../support/linking.js';
import { checkout, startProcess } from '../../support/service-process.js';
import { passTimeInRows } from '../../support/rows.js';
import { queryDatabase } from '../../support/test-database.js';
import { type FaultDatabase, useSharedServer } from './fault-database.js';
import { FaultyNetwork } from './faulty-network.js';
import { findLeakedSecrets } from './leaked-secrets.js';
import { MachineWatch } from './machine-watch.js';
import { Replica } from './replica.js';
import { StatementProxy } from './statement-proxy.js';
import { type Asked, type CallerResponse, type FaultConnection, pathOf, TokenCallers } from './token-callers.js';
import { startVaultReader } from './vault-reader.js';

/** Choices of a scenario about its replicas. */
export interface ClusterOptions {
  /** By slug. */
  readonly providers: Readonly<Record<string, SandboxDefinition>>;
  /** One replica for each. */
  readonly replicas: readonly ReplicaSettings[];
  /** A database on the tests' shared server when absent. */
  readonly database?: FaultDatabase;
  /** Of that database, if it has keys already. */
  readonly rootKey?: string;
  /** All replicas reach the providers through one line, so that a link may end at another replica than it began at. */
  readonly oneNetwork?: boolean;
  /** The providers' URL, if not the sandbox's. */
  readonly providersUrl?: string;
  /** By slug: what servers have written down that stand in the place of the sandbox's providers. */
  readonly records?: Readonly<Record<string, ProviderRecords>>;
}

/** How one replica differs from the others. */
export interface ReplicaSettings {
  readonly environment?: Readonly<Record<string, string>>;
  /** How far its wall clock is ahead, in milliseconds. */
  readonly clockOffsetMs?: number;
  /** Providers of the test, beside those of the program. */
  readonly definitions?: readonly OAuth2Definition[];
  /** The checkout whose built program runs, if not this one. */
  readonly program?: string;
}

/**
 * With this little life an access token is refreshed before it is issued; it outlives what a scenario does
 * meanwhile.
 */
const shortLifeSeconds = 55;
const longLifeSeconds = 3_600;
/** How long an entry of the audit trail may take, and how often it is looked for. */
const entryLimitMs = 5_000;
const entryPollMs = 100;

const usualEnvironment = {
  // Scenarios that break many connections at once would meet the spike breaker in place of what they are about.
  PROVIDER_SPIKE_MINIMUM: '10000',
  // Refreshes are asked for, so that they can be counted.
  REFRESH_SCHEDULER: 'off',
};

/**
 * Some processes of the built program, one database, and providers in this process; each line between them can be
 * broken.
 */
export class FaultCluster {
  readonly replicas: Replica[] = [];
  private readonly closers: (() => Promise<void>)[] = [];
  private readonly callers: TokenCallers;
  private linked = 0;

  private constructor(
    private readonly rootKey: string,
    readonly sandbox: VendorSandbox,
    private readonly providersClock: { aheadMs: number },
    readonly database: FaultDatabase,
    private readonly vault: INestApplicationContext,
    private readonly foreignRecords: Readonly<Record<string, ProviderRecords>>,
    machine: MachineWatch,
  ) {
    this.callers = new TokenCallers(database, machine);
  }

  static async start(options: ClusterOptions): Promise<FaultCluster> {
    const closers: (() => Promise<void>)[] = [];
    try {
      const rootKey = options.rootKey ?? randomBytes(32).toString('base64');
      const providersClock = { aheadMs: 0 };
      const sandbox = await VendorSandbox.start({
        providers: new Map(Object.entries(options.providers)),
        now: () => Date.now() + providersClock.aheadMs,
      });
      closers.push(() => sandbox.stop());
      const database = options.database ?? (await useSharedServer());
      closers.push(() => database.stop());
      const readerLine = await StatementProxy.start(() => database.url);
      closers.push(() => readerLine.stop());
      const vault = await startVaultReader(readerLine.url, rootKey);
      closers.push(() => vault.close());
      await recordConnectionHistory(database.url);
      const machine = new MachineWatch(() => database.url);
      closers.push(() => machine.stop());
      const records = options.records ?? {};
      const cluster = new FaultCluster(rootKey, sandbox, providersClock, database, vault, records, machine);
      cluster.closers.push(...closers.splice(0));
      try {
        await cluster.startReplicas(options);
        return cluster;
      } catch (error) {
        await cluster.stop();
        throw error;
      }
    } finally {
      for (const close of closers.reverse()) {
        await close();
      }
    }
  }

  /** The replica with this index. */
  replica(index: number): Replica {
    const replica = this.replicas[index];
    if (replica === undefined) {
      throw new Error(`There are ${this.replicas.length} replicas.`);
    }
    return replica;
  }

  /**
   * Starts an instance in this process, beside the replicas, so that a defence can be switched off by dependency
   * injection. It reaches database and providers directly.
   */
  async startInstance(
    options: Pick<ApplicationOptions, 'override' | 'clock' | 'environment'>,
  ): Promise<TestApplication> {
    const instance = await startApplication({
      ...options,
      environment: { ENVIRONMENT_NAME: 'test', ...usualEnvironment, ...options.environment },
      databaseUrl: this.database.url,
      rootKey: this.rootKey,
      sandbox: this.sandbox,
    });
    this.closers.push(() => instance.close());
    return instance;
  }

  /**
   * Links so many accounts at the provider.
   *
   * @param lifetimeSeconds - of the first access tokens; if absent, they have to be refreshed before the next token is
   *   issued
   */
  async link(
    slug: string,
    count: number,
    replica: Asked = this.replica(0),
    lifetimeSeconds = shortLifeSeconds,
  ): Promise<FaultConnection[]> {
    const fake = this.sandbox.provider(slug);
    fake.behave();
    fake.accessTokenLifetimeSeconds = lifetimeSeconds;
    const connections = await Promise.all(
      Array.from({ length: count }, async () => {
        this.linked += 1;
        const [userId, account] = [`user-${this.linked}`, String(10_000 + this.linked)];
        await linkAccount({ api: replica.api, browser: replica.api }, userId, slug, { account });
        return { userId, slug, familyId: findFamily(fake, account) };
      }),
    );
    fake.accessTokenLifetimeSeconds = longLifeSeconds;
    return connections;
  }

  /**
   * Links one account, with a callback of the scenario's own.
   *
   * @param comeBack - gets path and query of the callback
   */
  async linkWith(
    slug: string,
    comeBack: (callback: string) => Promise<void>,
  ): Promise<{ connection: FaultConnection; callback: string }> {
    this.linked += 1;
    const [userId, account] = [`user-${this.linked}`, String(10_000 + this.linked)];
    const { linkWebUrl } = await startLink({ api: this.replica(0).api }, userId, slug);
    const callback = callbackPathOf(await consent(linkWebUrl, { account }));
    await comeBack(callback);
    return { connection: { userId, slug, familyId: findFamily(this.sandbox.provider(slug), account) }, callback };
  }

  /** Runs `cli keys ...` on the cluster's database, and returns what it printed. */
  keys(...args: string[]): Promise<string> {
    return this.command(['keys', ...args]);
  }

  /**
   * Runs a command on the cluster's database, and returns what it printed.
   *
   * @param program - the checkout whose built program runs
   * @throws Error when its exit status is not 0
   */
  async command(args: readonly string[], program = checkout): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-command-'));
    const command = startProcess([join(program, 'dist/cli/main.js'), ...args], directory, {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      DATABASE_URL: this.database.url,
      ENCRYPTION_ROOT_KEY: this.rootKey,
    });
    try {
      const { status } = await command.ended();
      if (status !== 0) {
        throw new Error(`${args.join(' ')} ended with ${status}:\n${command.output()}`);
      }
      return command.stdout();
    } finally {
      await command.stop('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }
  }

  /**
   * Makes every access token need a refresh before the next token is issued, by a refresh to tokens that live shortly.
   */
  async shorten(
    connections: readonly FaultConnection[],
    replica = this.replica(0),
    lifetimeSeconds = shortLifeSeconds,
  ): Promise<void> {
    const fakes = new Set(connections.map(({ slug }) => this.sandbox.provider(slug)));
    fakes.forEach((fake) => (fake.accessTokenLifetimeSeconds = lifetimeSeconds));
    await Promise.all(connections.map((connection) => replica.api.post(`${pathOf(connection)}/refresh`).expect(200)));
    fakes.forEach((fake) => (fake.accessTokenLifetimeSeconds = longLifeSeconds));
  }

  /** Asks a replica for the token, as the company's services do. */
  ask(replica: Asked, connection: FaultConnection): Promise<CallerResponse> {
    return this.callers.ask(replica, connection);
  }

  /** Asks for the tokens of all connections at once. */
  askAll(replica: Asked, connections: readonly FaultConnection[]): Promise<CallerResponse[]> {
    return Promise.all(connections.map((connection) => this.ask(replica, connection)));
  }

  /** How many refreshes of the connection have reached its provider. */
  refreshCount({ slug, familyId }: FaultConnection): number {
    return refreshesOf(this.recordsOf(slug), familyId).length;
  }

  /** How many refreshes of all these connections have reached their provider. */
  refreshSum(connections: readonly FaultConnection[]): number {
    return connections.reduce((sum, connection) => sum + this.refreshCount(connection), 0);
  }

  /** Makes the refreshes of these connections overdue by so many seconds. */
  async makeOverdue(connections: readonly FaultConnection[], seconds: number): Promise<void> {
    await queryDatabase(
      this.database.url,
      `UPDATE connections SET refresh_due_at = now() - $2 * interval '1 second' WHERE user_id = ANY ($1)`,
      [connections.map(({ userId }) => userId), seconds],
    );
  }

  /** How many of these connections have a refresh whose outcome nobody has written down. */
  async refreshesInDoubt(connections: readonly FaultConnection[]): Promise<number> {
    const rows = await queryDatabase(
      this.database.url,
      `SELECT 1 FROM connections
       WHERE user_id = ANY ($1) AND (attempt_started_at IS NOT NULL OR lease_id IS NOT NULL)`,
      [connections.map(({ userId }) => userId)],
    );
    return rows.length;
  }

  /**
   * Lets time pass for the state of refreshes and circuit breakers, which is on the database's clock; tokens do not age
   * by it.
   */
  async passTime(seconds: number): Promise<void> {
    const columns = await queryDatabase<{ tableName: string; name: string }>(
      this.database.url,
      `SELECT table_name AS "tableName", column_name AS name FROM information_schema.columns
       WHERE table_name IN ('connections', 'circuit_breakers') AND data_type = 'timestamp with time zone'
         AND column_name NOT IN ('expires_at', 'refresh_expires_at', 'linked_at', 'last_refreshed_at', 'refresh_due_at')`,
    );
    for (const [tableName, each] of Map.groupBy(columns, (column) => column.tableName)) {
      const names = each.map(({ name }) => name);
      await passTimeInRows(this.database.url, tableName, names, seconds);
    }
  }

  /** Lets time pass at the providers: windows close, and tokens come closer to their end. */
  passTimeAtProviders(seconds: number): void {
    this.providersClock.aheadMs += seconds * 1_000;
  }

  /**
   * Runs the history checker over these connections, and looks for secrets where none may be.
   *
   * A refresh that nobody waits for writes its entry after its commit. So a missing entry counts once it has not come
   * in time.
   *
   * @param inDoubt - connections whose refresh token may be sent again because a response to it was lost
   */
  async check(connections: readonly FaultConnection[], inDoubt: readonly FaultConnection[] = []): Promise<Violation[]> {
    const giveUpAt = performance.now() + entryLimitMs;
    for (;;) {
      const isLast = performance.now() > giveUpAt;
      const history = await readConnectionHistory(this.database.url, this.vault);
      const violations = await this.judge(connections, inDoubt, history);
      if (isLast || !violations.some(({ invariant }) => invariant === 'I5')) {
        return [...violations, ...(await this.findLeaks(history))];
      }
      await sleep(entryPollMs);
    }
  }

  async stop(): Promise<void> {
    for (const replica of this.replicas) {
      await replica.remove();
    }
    for (const close of this.closers.reverse()) {
      await close();
    }
  }

  private async startReplicas({ replicas, oneNetwork, providersUrl }: ClusterOptions): Promise<void> {
    const starting: Promise<Replica>[] = [];
    let providerLine: FaultyNetwork | undefined;
    for (const settings of replicas) {
      const database = await StatementProxy.start(() => this.database.url);
      this.closers.push(() => database.stop());
      if (providerLine === undefined || oneNetwork !== true) {
        providerLine = await FaultyNetwork.start(providersUrl ?? this.sandbox.url);
        const line = providerLine;
        this.closers.push(() => line.stop());
      }
      const environment = { ...usualEnvironment, ...settings.environment };
      starting.push(Replica.start({ rootKey: this.rootKey, database, providerLine, ...settings, environment }));
    }
    const settled = await Promise.allSettled(starting);
    for (const result of settled) {
      if (result.status === 'fulfilled') {
        this.replicas.push(result.value);
      }
    }
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  }

  private async judge(
    connections: readonly FaultConnection[],
    inDoubt: readonly FaultConnection[],
    history: readonly StoredVersion[],
  ): Promise<Violation[]> {
    const auditedIssues = await countAuditedIssues(this.database.url);
    const auditedRefreshes = await countAuditedRefreshes(this.database.url);
    const violations: Violation[] = [];
    for (const slug of new Set(connections.map((connection) => connection.slug))) {
      const found = await findViolations({
        fake: this.sandbox.provider(slug),
        records: this.recordsOf(slug),
        vault: this.vault,
        connections: connections.filter((connection) => connection.slug === slug),
        inDoubt: new Set(inDoubt.map(({ familyId }) => familyId)),
        history,
        issuedTokens: this.callers.issuedTokens,
        calls: this.callers.calls,
        auditedIssues,
        auditedRefreshes,
        unanswered: this.callers.unanswered,
      });
      violations.push(...found);
    }
    return violations;
  }

  private findLeaks(history: readonly StoredVersion[]): Promise<Violation[]> {
    return findLeakedSecrets(this.rootKey, history, { databaseUrl: this.database.url, replicas: this.replicas });
  }

  private recordsOf(slug: string): ProviderRecords {
    return this.foreignRecords[slug] ?? this.sandbox.provider(slug);
  }
}
