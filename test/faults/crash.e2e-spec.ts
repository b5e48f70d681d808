import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { wahooDefinition } from '../../src/providers/wahoo/wahoo.definition.js';
import { lostUsers } from '../support/history-checker.js';
import { held } from '../support/fake-providers.js';
import { randomNumbers } from '../support/random-numbers.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import type { FaultConnection } from './support/token-callers.js';
import { report, rounds, seed } from './support/figures.js';
import type { Replica } from './support/replica.js';
import { leaseSeconds, confirmationSeconds, holdSeconds } from './support/timing.js';

/** Takes the lease, saves what the provider sent: the statements between which a refresh happens. */
const [takeLease, saveRefreshed] = ['connections-acquire-lease', 'connections-save-refreshed'];
const appendAudit = 'audit-append';
const connectionCount = 5;
const longestToKillMs = 25;
const timeoutMs = 300_000 + rounds * 10_000;

describe('processes that die', () => {
  let cluster: FaultCluster;
  /** Meets its end. */
  let victim: Replica;
  let survivor: Replica;
  /** Has the hold switched off. */
  let eager: Replica;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: { whoop: whoopDefinition.sandbox, wahoo: wahooDefinition.sandbox },
      replicas: [{}, {}, { environment: { REFRESH_IN_DOUBT_HOLD_SECONDS: '0' } }],
    });
    victim = cluster.replica(0);
    survivor = cluster.replica(1);
    eager = cluster.replica(2);
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.replicas.forEach(({ database }) => database.clear()));

  /** Kills the victim when the provider has exchanged the tokens and none of the new ones is committed. */
  async function killBeforeCommit(connections: readonly FaultConnection[]): Promise<void> {
    const point = victim.database.hold(saveRefreshed);
    const asking = cluster.askAll(victim, connections);
    await victim.commitsHeld(point, connections.length);
    await victim.kill();
    expect(await asking).toEqual(connections.map(() => expect.objectContaining({ status: 0 })));
  }

  it(
    '(a) killed before the commit, a process finds the new tokens in its journal and loses none (R-01)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, survivor);
        all.push(...connections);
        await killBeforeCommit(connections);
        expect(await victim.journalEntries()).toHaveLength(connections.length);
        await victim.start();
        expect(await victim.journalEntries()).toEqual([]);
        const responses = await cluster.askAll(survivor, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(cluster.refreshSum(connections)).toBe(connections.length);
        await cluster.shorten(connections, survivor);
      }
      const violations = await cluster.check(all);
      report('R-01a', 'killed before the commit', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'killed after the commit, a process finds entries in its journal that the audit trail lacks (R-01, I5)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, survivor);
        all.push(...connections);
        const point = victim.database.hold(appendAudit);
        const asking = cluster.askAll(victim, connections);
        await point.reached(1);
        await until(
          'all are committed',
          async () =>
            cluster.refreshSum(connections) === connections.length &&
            (await cluster.refreshesInDoubt(connections)) === 0,
        );
        // Longer than a file of the journal stays whose entries are forgotten.
        await sleep(300);
        await victim.kill();
        victim.database.clear();
        expect(await asking).toEqual(connections.map(() => expect.objectContaining({ status: 0 })));
        await victim.start();
        const responses = await cluster.askAll(survivor, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(cluster.refreshSum(connections)).toBe(connections.length);
      }
      const violations = await cluster.check(all);
      report('R-01', 'killed between the commit and the audit entry', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    '(b) killed before the commit without a journal, a forgiving provider accepts the same refresh token once more (R-01)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('wahoo', connectionCount, survivor);
        all.push(...connections);
        await killBeforeCommit(connections);
        await victim.start({ withoutJournal: true });
        await cluster.passTime(leaseSeconds);
        const responses = await cluster.askAll(survivor, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(cluster.refreshSum(connections)).toBe(2 * connections.length);
        await cluster.shorten(connections, survivor);
      }
      const violations = await cluster.check(all, all);
      report('R-01b', 'the same, journal lost, forgiving provider', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    '(c) killed before the commit without a journal, a strict provider ends the one connection that was being refreshed (R-01)',
    async () => {
      const all: FaultConnection[] = [];
      const hit: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, survivor);
        all.push(...connections);
        await killBeforeCommit(connections.slice(0, 1));
        hit.push(...connections.slice(0, 1));
        await victim.start({ withoutJournal: true });
        for (const seconds of [holdSeconds, confirmationSeconds]) {
          await cluster.passTime(seconds);
          await cluster.askAll(survivor, connections);
        }
        expect(await statusOf(hit)).toEqual(hit.map(() => 'needs_relink'));
      }
      const violations = await cluster.check(all, hit);
      const limit = 'the journal is lost with the process';
      report('R-01c', 'killed before the commit, strict provider', { ...counts(rounds, all), limit }, violations);
      expect(violations).toEqual(
        hit.map(({ userId }) => ({ invariant: 'I3', userId, what: 'the provider has ended the grant' })),
      );
    },
    timeoutMs,
  );

  it(
    'killed up to 25 ms after the first response, a process loses only tokens that are not in its journal (R-01)',
    async () => {
      const random = randomNumbers(seed);
      const all: FaultConnection[] = [];
      const unwritten: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, survivor);
        all.push(...connections);
        victim.database.hold(saveRefreshed);
        const asking = cluster.askAll(victim, connections);
        while (cluster.refreshSum(connections) === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        await sleep(random() * longestToKillMs);
        await victim.kill();
        victim.database.clear();
        await asking;
        const written = new Set(await victim.journalEntries());
        const ids = await connectionIds(connections);
        unwritten.push(
          ...connections.filter(
            (connection, index) => cluster.refreshCount(connection) > 0 && !written.has(ids[index] ?? ''),
          ),
        );
        await victim.start();
        await cluster.passTime(leaseSeconds);
      }
      for (const seconds of [holdSeconds, confirmationSeconds]) {
        await cluster.passTime(seconds);
        await cluster.askAll(survivor, all);
      }
      const violations = await cluster.check(all, unwritten);
      const limit = 'killed before the entry was written';
      report('R-01d', 'killed 0 to 25 ms after the first response', { ...counts(rounds, all), limit }, violations);
      const users = unwritten.map(({ userId }) => userId);
      expect(users).toEqual(expect.arrayContaining([...new Set(violations.map(({ userId }) => userId))]));
    },
    timeoutMs,
  );

  it(
    'killed between the lease and the call, a process leaves the refresh to another one after the hold (R-02)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', connectionCount, survivor);
        all.push(...connections);
        const point = victim.database.holdResponse(takeLease);
        const asking = cluster.askAll(victim, connections);
        await point.reached(connections.length);
        await victim.kill();
        await asking;
        // Nobody knows whether the refresh token was sent: until the hold is over the old token has to do.
        await cluster.passTime(leaseSeconds);
        const early = await cluster.askAll(survivor, connections);
        expect(early.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(cluster.refreshSum(connections)).toBe(0);
        await cluster.passTime(holdSeconds);
        await cluster.askAll(survivor, connections);
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 1));
        await victim.start();
      }
      const violations = await cluster.check(all);
      report('R-02', 'killed between lease and call', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  /** Freezes the victim before the commit until its leases have run out, lets the other replica ask, and thaws it. */
  async function freezeBeforeCommit(other: Replica): Promise<FaultConnection[]> {
    const all: FaultConnection[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const connections = await cluster.link('whoop', connectionCount, survivor);
      all.push(...connections);
      const point = victim.database.hold(saveRefreshed);
      const asking = cluster.askAll(victim, connections);
      await victim.commitsHeld(point, connections.length);
      victim.pause();
      await cluster.passTime(leaseSeconds);
      await cluster.askAll(other, connections);
      victim.resume();
      victim.database.clear();
      await asking;
      await cluster.passTime(holdSeconds);
      await cluster.askAll(other, connections);
    }
    return all;
  }

  it(
    "frozen until its lease has expired, a process still commits the provider's response (R-04)",
    async () => {
      const all = await freezeBeforeCommit(survivor);
      const violations = await cluster.check(all);
      report('R-04', 'frozen beyond the lease', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'without the hold another process spends the refresh token again, and the checker notices (R-04)',
    async () => {
      const all = await freezeBeforeCommit(eager);
      const violations = await cluster.check(all);
      report('R-04', 'frozen beyond the lease', { ...counts(rounds, all), without: 'hold' }, violations);
      expect(new Set(violations.map(({ invariant }) => invariant))).toEqual(new Set(['I1', 'I3']));
      expect(lostUsers(violations).size).toBe(all.length);
    },
    timeoutMs,
  );

  it(
    'frozen beyond the time limit of its call, a process uses the response that arrived in the meantime (R-04)',
    async () => {
      const connections = await cluster.link('whoop', connectionCount, survivor);
      const fake = cluster.sandbox.provider('whoop');
      fake.misbehave({ endpoint: 'refresh', ...held }, connectionCount);
      const asking = cluster.askAll(victim, connections);
      await until('the provider has all requests', () => cluster.refreshSum(connections) === connectionCount);
      victim.pause();
      fake.behave();
      await sleep(whoopDefinition.refresh.timeoutMs + 500);
      victim.resume();
      const responses = await asking;
      expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
      await cluster.shorten(connections, survivor);
      const violations = await cluster.check(connections);
      report('R-04', 'frozen beyond the time limit', { ...counts(1, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a process that shares the journal commits the entries of a killed one by itself (R-01)',
    async () => {
      await cluster.startInstance({ environment: { REFRESH_JOURNAL_DIRECTORY: victim.journalDirectory } });
      const connections = await cluster.link('whoop', connectionCount, survivor);
      await killBeforeCommit(connections);
      expect(await victim.journalEntries()).toHaveLength(connections.length);
      await until('the journal is empty', async () => (await victim.journalEntries()).length === 0);
      await cluster.shorten(connections, survivor);
      expect(cluster.refreshSum(connections)).toBe(2 * connections.length);
      const violations = await cluster.check(connections);
      report('R-01a', 'the same, journal shared', { ...counts(1, connections), rounds: 1 }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  async function connectionIds(connections: readonly FaultConnection[]): Promise<string[]> {
    return Promise.all(
      connections.map(async ({ userId, slug }) => {
        const response = await survivor.api.get(`/v1/users/${userId}/connections/${slug}`).expect(200);
        return (response.body as { connection_id: string }).connection_id;
      }),
    );
  }

  /** Of the given connections in the eyes of the company. */
  async function statusOf(connections: readonly FaultConnection[]): Promise<unknown[]> {
    return Promise.all(
      connections.map(async ({ userId, slug }) => {
        const response = await survivor.api.get(`/v1/users/${userId}/connections/${slug}`).expect(200);
        return (response.body as { status?: unknown }).status;
      }),
    );
  }
});

function counts(faults: number, connections: readonly FaultConnection[]) {
  return { rounds, faults, connections: connections.length };
}
