import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import type { Violation } from '../support/history-checker.js';
import { randomNumbers } from '../support/random-numbers.js';
import { TestClock } from '../support/test-clock.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import type { FaultConnection } from './support/token-callers.js';
import { report, rounds, seed } from './support/figures.js';
import type { Replica } from './support/replica.js';

const slug = 'whoop';
const connectionCount = 20;
/** Of every connection, in which all of them are asked for at once. */
const expiries = Math.max(3, rounds);
/** Of one connection, at each replica, at the same moment. */
const callers = 3;
/** Of the provider; the long form takes the two seconds that a provider may well take. */
const maxLatencyMs = rounds === 1 ? 100 : 2_000;
const twoHoursMs = 7_200_000;
const timeoutMs = 300_000 + rounds * 30_000;

describe('replicas on one database', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: { [slug]: whoopDefinition.sandbox },
      replicas: [{}, {}, {}],
      oneNetwork: true,
    });
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.sandbox.provider(slug).behave());

  /** Lets every refresh take its own time, half of them before and half of them after the token was rotated. */
  function makeSlow(calls: number, random: () => number): void {
    for (let call = 0; call < calls; call += 1) {
      const ms = Math.floor(random() * maxLatencyMs);
      cluster.sandbox.provider(slug).misbehave({ endpoint: 'refresh', type: 'slow', ms, processed: random() < 0.5 });
    }
  }

  /**
   * Asks every replica for every token at the same moment, several times. Who waits for two seconds gets the old token;
   * after that all get the same new one.
   */
  async function askEverywhere(replicas: readonly Replica[], connections: readonly FaultConnection[]): Promise<void> {
    const asked = replicas.flatMap((replica) => Array.from({ length: callers }, () => replica));
    const early = await Promise.all(asked.map((replica) => cluster.askAll(replica, connections)));
    expect(new Set(early.flat().map(({ status }) => status))).toEqual(new Set([200]));
    await until('all are committed', async () => (await cluster.refreshesInDoubt(connections)) === 0);
    const responses = await Promise.all(replicas.map((replica) => cluster.askAll(replica, connections)));
    for (const index of connections.keys()) {
      const tokens = new Set(responses.map((each) => each[index]?.accessToken));
      expect(tokens.size).toBe(1);
      expect(cluster.sandbox.provider(slug).isLiveAccessToken([...tokens][0] ?? '')).toBe(true);
    }
  }

  it.each([[2], [3]])(
    '%d processes refresh each connection exactly once an expiry and lose none (R-03)',
    async (replicaCount) => {
      const replicas = cluster.replicas.slice(0, replicaCount);
      const connections = await cluster.link(slug, connectionCount);
      const random = randomNumbers(seed);
      for (let round = 1; round <= expiries; round += 1) {
        makeSlow(connections.length, random);
        await askEverywhere(replicas, connections);
        cluster.sandbox.provider(slug).behave();
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 2 * round - 1));
        await cluster.shorten(connections);
      }
      const violations = await cluster.check(connections);
      const figures = { rounds: expiries, faults: expiries * connections.length, connections: connections.length };
      report('R-03', `${replicaCount} processes ask at once`, figures, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'fifty callbacks at once over two processes redeem the code once, and later ones end no connection (R-18, AR-02)',
    async () => {
      const violations: Violation[] = [];
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const { connection, callback } = await cluster.linkWith(slug, async (path) => {
          const agents = cluster.replicas.slice(0, 2).map(({ api }) => api);
          const statuses = await Promise.all(
            Array.from({ length: 50 }, async (_, index) => (await agents[index % 2]?.get(path))?.status),
          );
          expect(statuses.filter((status) => status === 200)).toHaveLength(1);
          expect(statuses.filter((status) => status === 403)).toHaveLength(49);
        });
        await cluster.replica(0).api.get(callback).expect(403);
        await cluster.replica(1).api.get(callback).expect(403);
        const codes = cluster.sandbox.provider(slug).history.filter(({ kind, familyId }) => {
          return kind === 'token' && familyId === connection.familyId;
        });
        expect(codes).toHaveLength(1);
        await cluster.shorten([connection]);
        all.push(connection);
      }
      violations.push(...(await cluster.check(all)));
      report('R-18', 'callbacks repeated', { rounds, faults: 51 * rounds, connections: all.length }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );
});

describe('replicas with wrong clocks', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: { [slug]: whoopDefinition.sandbox },
      replicas: [{}, { clockOffsetMs: twoHoursMs }, { clockOffsetMs: -twoHoursMs }],
    });
  });
  afterAll(() => cluster?.stop());

  /** Refreshes to tokens that live for a second, and waits for their end. */
  async function expire(connections: readonly FaultConnection[], replica: Replica): Promise<void> {
    await cluster.shorten(connections, replica, 1);
    await sleep(1_100);
  }

  it(
    'two hours ahead or behind, they issue no expired token and refresh no living one (R-12)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        for (const origin of cluster.replicas) {
          const living = await cluster.link(slug, 3, origin, 3_600);
          for (const replica of cluster.replicas) {
            await cluster.askAll(replica, living);
          }
          expect(cluster.refreshSum(living)).toBe(0);
          const expired = await cluster.link(slug, 3, origin);
          await expire(expired, origin);
          await Promise.all(cluster.replicas.map((replica) => cluster.askAll(replica, expired)));
          expect(expired.map((each) => cluster.refreshCount(each))).toEqual(expired.map(() => 2));
          all.push(...living, ...expired);
        }
      }
      const violations = await cluster.check(all);
      report('R-12', 'clocks two hours off', { rounds, faults: 2 * rounds, connections: all.length }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it('without the clock of the database an instance that is behind issues expired tokens (R-12)', async () => {
    const behind = new TestClock();
    behind.advance(-twoHoursMs);
    // Nobody sets this clock.
    const instance = await cluster.startInstance({ clock: behind });
    const expired = await cluster.link(slug, 3);
    await expire(expired, cluster.replica(0));
    await cluster.askAll(instance, expired);
    const violations = await cluster.check(expired);
    const figures = { rounds: 1, faults: 1, connections: expired.length, without: "database's clock" };
    report('R-12', 'clock two hours behind', figures, violations);
    expect(violations.map(({ invariant }) => invariant)).toEqual(expired.map(() => 'I2'));
  });
});
