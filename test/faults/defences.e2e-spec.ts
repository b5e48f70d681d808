import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { ConnectionReader, type ReadConnection } from '../../src/tokens/store/connection-reader.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet, Connection } from '../../src/tokens/store/connection.js';
import { type RefreshLease, RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { TokensService } from '../../src/tokens/tokens.service.js';
import type { TestApplication } from '../support/application.js';
import type { Violation } from '../support/history-checker.js';
import { held } from '../support/fake-providers.js';
import { deleteRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report } from './support/figures.js';

const slug = 'whoop';
const connectionCount = 10;
/** Of one connection, at each instance, at the same moment. */
const callers = 3;

/** Switches the lease off: every caller may spend the refresh token. */
class NoLeases implements Pick<RefreshLeases, 'acquire' | 'release'> {
  async acquire(): Promise<RefreshLease> {
    return { id: randomUUID(), takenAtMs: performance.now(), isTrial: false };
  }

  async release(): Promise<void> {}
}

/** Switches the audit trail off: tokens are issued before their entry, or without one. */
class NoAudit implements Pick<AuditTrail, 'record'> {
  async record(): Promise<void> {}
}

/** Token sets that are in memory only. */
const unsaved = new Map<string, SealedTokenSet & { readonly secretGen: number }>();

/** Switches the commit before a token is issued off: a refreshed set is used at once, and written some day. */
class WriteBehindStore extends ConnectionStore {
  override async saveRefreshed(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    unsaved.set(key.id, { ...tokens, secretGen: key.secretGen + 1 });
    return true;
  }

  override async find(userId: string, provider: string): Promise<Connection | undefined> {
    const row = await super.find(userId, provider);
    return row && { ...row, ...unsaved.get(row.id) };
  }
}

class WriteBehindReader extends ConnectionReader {
  override async find(userId: string, provider: string): Promise<ReadConnection | undefined> {
    const row = await super.find(userId, provider);
    return row && { ...row, ...unsaved.get(row.id) };
  }
}

/*
 * Shows that the checker can fail. Each run has one defense less than the program, and the checker must name the
 * promise that breaks. The hold and the database's clock are switched off beside the scenarios that need them. The
 * comparison of generations is switched off in `refresh-races.e2e-spec.ts` and `reencryption.e2e-spec.ts`.
 */
describe('with one defense switched off the checker finds', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start({ providers: { [slug]: whoopDefinition.sandbox }, replicas: [] });
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.sandbox.provider(slug).behave());

  async function checkWithout(
    id: string,
    without: string,
    connections: readonly FaultConnection[],
  ): Promise<Set<Violation['invariant']>> {
    const violations = await cluster.check(connections);
    report(id, 'in one process', { rounds: 1, faults: 1, connections: connections.length, without }, violations);
    return new Set(violations.map(({ invariant }) => invariant));
  }

  /**
   * Asks the instances for every token at the same moment, several times. The provider responds to none before it has
   * so many refreshes of each connection.
   */
  async function askTogether(
    instances: TestApplication[],
    connections: readonly FaultConnection[],
    refreshesOfEach = 1,
  ): Promise<void> {
    const asked = instances.flatMap((instance) => Array.from({ length: callers }, () => instance));
    const fake = cluster.sandbox.provider(slug);
    fake.misbehave({ endpoint: 'refresh', ...held }, Infinity);
    const asking = asked.map((instance) => cluster.askAll(instance, connections));
    await until(
      'the provider has all refreshes',
      () => cluster.refreshSum(connections) === refreshesOfEach * connections.length,
    );
    fake.behave();
    await Promise.all(asking);
  }

  it('nothing with all of them on (R-03)', async () => {
    const instances = [await cluster.startInstance({}), await cluster.startInstance({})];
    const connections = await cluster.link(slug, connectionCount, instances[0]);
    await askTogether(instances, connections);
    expect(await cluster.check(connections)).toEqual([]);
  });

  it('tokens sent twice, in flight at once and lost without the lease (R-03)', async () => {
    const withoutClaims = { override: replaceBy(RefreshLeases, NoLeases) };
    const instances = [await cluster.startInstance(withoutClaims), await cluster.startInstance(withoutClaims)];
    const connections = await cluster.link(slug, connectionCount, instances[0]);
    await askTogether(instances, connections, instances.length);
    const found = await checkWithout('R-03', 'lease', connections);
    expect([...found]).toEqual(expect.arrayContaining(['I1', 'I3', 'I6']));
  });

  it('tokens that are nowhere committed without the commit before a token is issued (I2)', async () => {
    const instance = await cluster.startInstance({
      override: (builder) =>
        replaceBy(ConnectionReader, WriteBehindReader)(replaceBy(ConnectionStore, WriteBehindStore)(builder)),
    });
    const connections = await cluster.link(slug, connectionCount, instance);
    await askTogether([instance], connections);
    const found = await checkWithout('R-01', 'commit before a token is issued', connections);
    expect([...found]).toEqual(expect.arrayContaining(['I2', 'I3', 'I5']));
  });

  it('a living connection given up without the confirmation of a refusal (I4)', async () => {
    const instance = await cluster.startInstance({ environment: { REFRESH_CONFIRMATION_SECONDS: '0' } });
    const connections = await cluster.link(slug, connectionCount, instance);
    const refused = { endpoint: 'refresh', type: 'error', error: 'invalid_grant', status: 400 } as const;
    cluster.sandbox.provider(slug).misbehave(refused, Infinity);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await Promise.all(connections.map((connection) => instance.api.post(`${pathOf(connection)}/refresh`)));
    }
    const found = await checkWithout('R-13', 'confirmation', connections);
    expect(found).toEqual(new Set(['I4']));
  });

  it.each([
    ['nothing with all of them on', undefined, []],
    ['callers with working tokens that wait, and are refused in the end, without a bound of the wait', 'bound', ['I8']],
  ])('%s, at a provider that does not respond (R-02)', async (_what, without, found) => {
    const override = without === undefined ? {} : { override: replaceBy(TokensService, PatientCallers) };
    // This test is not about the circuit breaker.
    const instance = await cluster.startInstance({ ...override, environment: { PROVIDER_BREAKER_FAILURES: '1000' } });
    const connections = [
      ...(await cluster.link(slug, connectionCount / 2, instance, 30)),
      // They end before the time limit of the refresh.
      ...(await cluster.link(slug, connectionCount / 2, instance, 10)),
    ];
    cluster.sandbox.provider(slug).misbehave({ endpoint: 'refresh', ...held, processed: false }, Infinity);
    const responses = await cluster.askAll(instance, connections);
    const statuses = without === undefined ? [200] : [200, 503];
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set(statuses));
    const violations = await cluster.check(connections);
    const figures = { rounds: 1, faults: 1, connections: connections.length, ...(without && { without }) };
    report('R-02', 'provider that does not respond', figures, violations);
    expect([...new Set(violations.map(({ invariant }) => invariant))]).toEqual(found);
    expect(violations).toHaveLength(without === undefined ? 0 : connections.length);
    await deleteRows(cluster.database.url, 'circuit_breakers');
  });

  it('issued tokens that nobody will know of without the audit trail (I5)', async () => {
    const instance = await cluster.startInstance({ override: replaceBy(AuditTrail, NoAudit) });
    const connections = await cluster.link(slug, connectionCount, instance);
    await askTogether([instance], connections);
    expect(await checkWithout('R-06', 'audit', connections)).toEqual(new Set(['I5']));
  });

  it('a token in the clear without the sealing (I7)', async () => {
    const instance = await cluster.startInstance({});
    const [connection] = await cluster.link(slug, 1, instance);
    const { accessToken = '' } = connection === undefined ? {} : await cluster.ask(instance, connection);
    await queryDatabase(cluster.database.url, `CREATE TABLE plain_tokens AS SELECT $1::text AS token`, [accessToken]);
    expect(await checkWithout('I7', 'sealing', connection === undefined ? [] : [connection])).toEqual(new Set(['I7']));
  });
});

/** Switches the bound of the wait off: a caller waits for the refresh, even if its token still works. */
class PatientCallers extends TokensService {
  protected override readonly callerWaitMs = (): number => Infinity;
}

type Override = NonNullable<Parameters<FaultCluster['startInstance']>[0]['override']>;

function replaceBy(original: Parameters<Parameters<Override>[0]['overrideProvider']>[0], other: unknown): Override {
  return (builder) => builder.overrideProvider(original).useClass(other);
}
