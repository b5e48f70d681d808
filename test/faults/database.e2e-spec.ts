import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { until } from '../support/until.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { OwnPostgres } from './support/fault-database.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, findWithoutToken } from './support/token-callers.js';
import { report, rounds } from './support/figures.js';
import type { Replica } from './support/replica.js';
import { leaseSeconds, holdSeconds } from './support/timing.js';

const [takeLease, saveRefreshed] = ['connections-acquire-lease', 'connections-save-refreshed'];
const connectionCount = 5;
const timeoutMs = 300_000 + rounds * 20_000;

describeOnPlain('it stops its PostgreSQL')('a database that fails', () => {
  let postgres: OwnPostgres;
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;

  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    cluster = await FaultCluster.start({
      providers: { whoop: whoopDefinition.sandbox },
      replicas: [{}, {}],
      database: postgres,
    });
    first = cluster.replica(0);
    second = cluster.replica(1);
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.replicas.forEach(({ database }) => database.clear()));

  it(
    'PostgreSQL stopped between the response and the commit loses no token, and none is requested twice (R-05)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, first);
        all.push(...connections);
        const point = first.database.hold(saveRefreshed);
        const askedAtMs = performance.now();
        const asking = cluster.askAll(first, connections);
        await first.commitsHeld(point, connections.length);
        await postgres.crash();
        first.database.clear();
        await postgres.restart();
        const responses = await asking;
        expect(findWithoutToken(responses, askedAtMs)).toEqual([]);
        expect(cluster.refreshSum(connections)).toBe(connections.length);
        // By the saves, or from the journal. It may be the first to look after the restart.
        await until('the journal is empty', async () => (await first.journalEntries()).length === 0);
        await cluster.passTime(holdSeconds);
        await cluster.shorten(connections, second);
      }
      const violations = await cluster.check(all);
      report('R-05', 'PostgreSQL stopped before the commit', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'PostgreSQL that stays away longer than the saves are repeated leaves the tokens to the journal (R-05)',
    async () => {
      const connections = await cluster.link('whoop', connectionCount, first);
      const point = first.database.hold(saveRefreshed);
      const asking = cluster.askAll(first, connections);
      await first.commitsHeld(point, connections.length);
      await postgres.crash();
      first.database.clear();
      await asking;
      expect(await first.journalEntries()).toHaveLength(connections.length);
      await postgres.restart();
      // The other replica has another journal. It must not spend what the first one has spent.
      await until('the journal is empty', async () => (await first.journalEntries()).length === 0);
      await cluster.passTime(holdSeconds);
      const later = await cluster.askAll(second, connections);
      expect(later.map(({ status }) => status)).toEqual(connections.map(() => 200));
      expect(cluster.refreshSum(connections)).toBe(connections.length);
      const violations = await cluster.check(connections);
      report('R-05', 'PostgreSQL away for long', { ...counts(1, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'PostgreSQL that stays away longer than the hold leaves the first word to the journals of all replicas (R-05)',
    async () => {
      const connections = await cluster.link('whoop', connectionCount, first);
      const point = first.database.hold(saveRefreshed);
      const asking = cluster.askAll(first, connections);
      await first.commitsHeld(point, connections.length);
      await postgres.crash();
      first.database.clear();
      await asking;
      await second.api.get('/health/ready').expect(503);
      // The journal of the first replica is late, and the other one must not spend meanwhile what the first one has
      // spent.
      const commit = first.database.hold(saveRefreshed);
      await postgres.restart();
      await cluster.passTime(holdSeconds);
      await until('the second replica is ready', async () => (await second.api.get('/health/ready')).status === 200);
      const later = cluster.askAll(second, connections);
      await commit.reached(1);
      first.database.clear();
      expect((await later).map(({ status }) => status)).toEqual(connections.map(() => 200));
      expect(cluster.refreshSum(connections)).toBe(connections.length);
      const violations = await cluster.check(connections);
      report('R-05', 'PostgreSQL away beyond the hold', { ...counts(1, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  /** Everything else that a commit may meet, and the SQLSTATE that stands for it. */
  const refusals = [
    ['a serialization failure', '40001'],
    ['a full disk', '53100'],
    ['a pooler that ends its sessions', '57P01'],
    ['a read-only standby after a failover', '25006'],
  ] as const;

  it(
    'commits that are refused, broken off or without a response lose no token (R-05)',
    async () => {
      const all: FaultConnection[] = [];
      let faults = 0;
      for (let round = 0; round < rounds; round += 1) {
        for (const fault of [...refusals.map(([, sqlState]) => sqlState), 'cut', 'lose-response'] as const) {
          const connections = await cluster.link('whoop', connectionCount, second);
          all.push(...connections);
          const count = connections.length;
          if (fault === 'cut') {
            first.database.cut(saveRefreshed, count);
          } else if (fault === 'lose-response') {
            first.database.loseResponse(saveRefreshed, count);
          } else {
            first.database.refuse(saveRefreshed, fault, count);
          }
          faults += count;
          const responses = await cluster.askAll(first, connections);
          expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
          expect(first.database.outstanding).toBe(0);
          expect(cluster.refreshSum(connections)).toBe(count);
        }
      }
      await cluster.shorten(all, second);
      const violations = await cluster.check(all);
      report('R-05', 'commits refused, cut, response lost', counts(faults, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'while PostgreSQL is away no refresh token is spent and no token is issued (R-06)',
    async () => {
      const connections = await cluster.link('whoop', connectionCount, first);
      await postgres.crash();
      for (const replica of cluster.replicas) {
        const responses = await cluster.askAll(replica, connections);
        expect(responses.map(({ code }) => code)).toEqual(connections.map(() => 'DATABASE_UNAVAILABLE'));
        await replica.api.get('/health/ready').expect(503);
        await replica.api.get('/health/live').expect(200);
      }
      expect(cluster.refreshSum(connections)).toBe(0);
      await postgres.restart();
      const responses = await cluster.askAll(second, connections);
      expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
      const violations = await cluster.check(connections);
      report('R-06', 'PostgreSQL away before the lease', { ...counts(1, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a lease that cannot be written spends no refresh token (R-06)',
    async () => {
      const connections = await cluster.link('whoop', connectionCount, first);
      first.database.refuse(takeLease, '53100', connections.length);
      // The old token still works for a while, and is what the callers get.
      const responses = await cluster.askAll(first, connections);
      expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
      expect(cluster.refreshSum(connections)).toBe(0);
      await cluster.passTime(leaseSeconds);
      await cluster.askAll(first, connections);
      expect(cluster.refreshSum(connections)).toBe(connections.length);
      const violations = await cluster.check(connections);
      report('R-06', 'leases refused', { ...counts(connections.length, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );
});

function counts(faults: number, connections: readonly FaultConnection[]) {
  return { rounds, faults, connections: connections.length };
}
