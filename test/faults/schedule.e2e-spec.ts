import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { refreshesOf } from '../support/history-checker.js';
import { randomNumbers } from '../support/random-numbers.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report, rounds, seed } from './support/figures.js';
import type { Replica } from './support/replica.js';

const slug = 'whoop';
const connectionCount = 20;
/** Connections that a long stop leaves overdue. */
const overdueCount = rounds === 1 ? 100 : 1_000;
/** Refreshes a second that one process begins unasked. */
const ratePerSecond = 10;
const maxLatencyMs = 100;
const timeoutMs = 300_000 + rounds * 30_000;

describe('replicas that refresh unasked', () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    const environment = { REFRESH_SCHEDULER: 'api', REFRESH_RATE_PER_SECOND: String(ratePerSecond) };
    cluster = await FaultCluster.start({
      providers: { [slug]: whoopDefinition.sandbox },
      replicas: [{ environment }, { environment }],
    });
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.sandbox.provider(slug).behave());

  it(
    'processes that are replaced one after the other under load lose no token and leave no refresh in doubt (R-23)',
    async () => {
      const connections = await cluster.link(slug, connectionCount);
      const restarts = rounds === 1 ? 3 : Math.max(20, rounds);
      const random = randomNumbers(seed);
      let isOver = false;
      let replaced: Replica | undefined;
      const load = cluster.replicas.map(async (replica) => {
        while (!isOver) {
          if (replica === replaced) {
            await sleep(20);
            continue;
          }
          const connection = connections[Math.floor(random() * connections.length)] as FaultConnection;
          // A forced refresh every time, so that there is always one under way.
          await replica.api.post(`${pathOf(connection)}/refresh`).catch(() => undefined);
          await cluster.ask(replica, connection);
        }
      });
      for (let call = 0; call < 20_000; call += 1) {
        const ms = Math.floor(random() * maxLatencyMs);
        cluster.sandbox.provider(slug).misbehave({ endpoint: 'refresh', type: 'slow', ms, processed: random() < 0.5 });
      }
      for (let restart = 0; restart < restarts; restart += 1) {
        const replica = cluster.replica(restart % cluster.replicas.length);
        const before = cluster.refreshSum(connections);
        await until('there is load', () => cluster.refreshSum(connections) > before + 5);
        const stopping = replica.stop();
        replaced = replica;
        await stopping;
        await replica.start();
        replaced = undefined;
      }
      isOver = true;
      await Promise.all(load);
      cluster.sandbox.provider(slug).behave();
      // The hold of an attempt in doubt is much longer.
      await until('no refresh is under way', async () => (await cluster.refreshesInDoubt(connections)) === 0);
      const violations = await cluster.check(connections);
      const figures = { rounds, faults: restarts, connections: connections.length };
      report('R-23', 'replaced one after the other', figures, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'after a long stop they catch up at their rate, the callers first, and refresh each connection once (R-27)',
    async () => {
      const connections: FaultConnection[] = [];
      while (connections.length < overdueCount) {
        connections.push(...(await cluster.link(slug, 20, cluster.replica(0), 3_600)));
      }
      await Promise.all(cluster.replicas.map((replica) => replica.stop()));
      await cluster.makeOverdue(connections, 7_200);
      const startedAtMs = Date.now();
      await cluster.replica(0).start();
      const asked = connections.slice(-5);
      const { api } = cluster.replica(0);
      await Promise.all(asked.map((connection) => api.post(`${pathOf(connection)}/refresh`).expect(200)));
      const behind = overdueCount - cluster.refreshSum(connections);
      // The callers got their responses before the rest was done.
      expect(behind).toBeGreaterThan(0);
      await Promise.all(cluster.replicas.slice(1).map((replica) => replica.start()));
      const all = (): boolean => connections.every((each) => cluster.refreshCount(each) > 0);
      await until('everything is refreshed', all, (overdueCount / ratePerSecond) * 1_000 + 20_000);
      const calls = connections.flatMap(({ familyId }) => refreshesOf(cluster.sandbox.provider(slug), familyId));
      expect(calls.filter(({ at }) => at < startedAtMs)).toEqual([]);
      // Each process has a second's worth saved up. What it sends may arrive late, but no earlier than its rate allows.
      const runningMs = (at: number) =>
        cluster.replicas.map(({ startedAtMs }) => at - startedAtMs).filter((ms) => ms > 0);
      const allowed = (at: number) => sum(runningMs(at).map((ms) => ratePerSecond * (1 + ms / 1_000))) + asked.length;
      const instants = calls.map(({ at }) => at).sort((left, right) => left - right);
      expect(instants.filter((at, before) => before + 1 > allowed(at))).toEqual([]);
      expect(calls.length).toBeLessThanOrEqual(overdueCount + asked.length);
      await until('no refresh is under way', async () => (await cluster.refreshesInDoubt(connections)) === 0);
      const violations = await cluster.check(connections);
      report('R-27', 'two hours behind', { rounds: 1, faults: 1, connections: overdueCount }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
