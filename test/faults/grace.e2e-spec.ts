import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defineGraceful } from '../support/graceful-provider.js';
import { FaultCluster } from './support/fault-cluster.js';
import type { FaultConnection } from './support/token-callers.js';
import { report, rounds } from './support/figures.js';
import type { NetworkFault } from './support/faulty-network.js';
import type { Replica } from './support/replica.js';
import { leaseSeconds, confirmationSeconds, holdSeconds } from './support/timing.js';
import { lostResponses } from './support/lost-responses.js';

/** Longer than a lease, shorter than the hold. */
const windowSeconds = 60;
/** More than the window. */
const retryAfterSeconds = 120;
const grace = { seconds: windowSeconds, declared: { seconds: windowSeconds } };
const definitions = [
  defineGraceful('grace-same', { ...grace, response: 'same' }),
  defineGraceful('grace-further', { ...grace, response: 'further' }),
  defineGraceful('grace-undeclared', { ...grace, response: 'same', declared: 'none' }),
];
const declared = ['grace-same', 'grace-further'];
const saveRefreshed = 'connections-save-refreshed';
const connectionCount = 4;
/** Of one connection, at each replica, at the same moment. */
const callers = 3;
const timeoutMs = 300_000 + rounds * 20_000;

describe('providers that take a used refresh token again for some seconds, and end the grant after that', () => {
  let cluster: FaultCluster;
  /** Meets its end. */
  let victim: Replica;
  let survivor: Replica;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: Object.fromEntries(definitions.map(({ slug, sandbox }) => [slug, sandbox])),
      replicas: [{ definitions }, { definitions }],
    });
    victim = cluster.replica(0);
    survivor = cluster.replica(1);
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => {
    cluster.replicas.forEach(({ database }) => database.clear());
    definitions.forEach(({ slug }) => cluster.sandbox.provider(slug).behave());
  });

  /** For the service and for the providers. */
  async function passTime(seconds: number): Promise<void> {
    cluster.passTimeAtProviders(seconds);
    await cluster.passTime(seconds);
  }

  /** Kills the victim when the provider has exchanged the tokens and none of the new ones is committed. */
  async function killBeforeCommit(connections: readonly FaultConnection[]): Promise<void> {
    const point = victim.database.hold(saveRefreshed);
    const asking = cluster.askAll(victim, connections);
    await victim.commitsHeld(point, connections.length);
    await victim.kill();
    await asking;
  }

  async function linkAt(slugs: readonly string[]): Promise<FaultConnection[]> {
    return (await Promise.all(slugs.map((slug) => cluster.link(slug, connectionCount, survivor)))).flat();
  }

  /** Lets the provider refuse the refresh until it is believed. */
  async function askUntilGivenUp(connections: readonly FaultConnection[]): Promise<void> {
    for (const seconds of [0, confirmationSeconds]) {
      await passTime(seconds);
      await cluster.askAll(survivor, connections);
    }
  }

  /**
   * Lets the first replica lose so many responses to the refreshes of a connection; a forgiving provider is asked twice
   * at once.
   */
  async function loseResponses(connection: FaultConnection, times: number, fault: NetworkFault): Promise<void> {
    victim.providerLine.fail(fault, times);
    await cluster.ask(victim, connection);
    expect(victim.providerLine.outstanding).toBe(0);
  }

  it(
    '(b) killed before the commit without a journal, a process loses none, unless nobody knows that there is a window (R-01)',
    async () => {
      const all: FaultConnection[] = [];
      const undeclared: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await linkAt(declared);
        const strict = await linkAt(['grace-undeclared']);
        all.push(...connections);
        undeclared.push(...strict);
        await killBeforeCommit([...connections, ...strict]);
        const restarting = victim.start({ withoutJournal: true });
        await passTime(leaseSeconds);
        const responses = await cluster.askAll(survivor, [...connections, ...strict]);
        expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 2));
        expect(strict.map((each) => cluster.refreshCount(each))).toEqual(strict.map(() => 1));
        await cluster.shorten(connections, survivor);
        await passTime(holdSeconds);
        await askUntilGivenUp(strict);
        await restarting;
      }
      const violations = await cluster.check(all, all);
      report('R-01b', 'journal lost, provider with a window', counts(rounds, all), violations);
      expect(violations).toEqual([]);
      const losses = await cluster.check(undeclared, undeclared);
      const figures = { ...counts(rounds, undeclared), without: 'declaration of the window' };
      report('R-01b', 'journal lost, provider with a window', figures, losses);
      expect(losses).toEqual(lossOf(undeclared));
    },
    timeoutMs,
  );

  it(
    'the same refresh token goes again inside the window, twice if the second response is lost too, and nothing is lost (R-07)',
    async () => {
      const all: FaultConnection[] = [];
      let faults = 0;
      for (let round = 0; round < rounds; round += 1) {
        const connections = await linkAt(declared);
        all.push(...connections);
        const losses = connections.map((_, index) => 1 + (index % 2));
        for (const [index, connection] of connections.entries()) {
          await loseResponses(
            connection,
            losses[index] ?? 0,
            lostResponses[index % lostResponses.length] as NetworkFault,
          );
        }
        faults += losses.reduce((sum, each) => sum + each, 0);
        await passTime(leaseSeconds);
        const responses = await cluster.askAll(survivor, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(losses.map((each) => each + 1));
        await cluster.shorten(connections, survivor);
      }
      const violations = await cluster.check(all, all);
      report('R-07', 'responses lost, provider with a window', counts(faults, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'when the circuit breaker of the provider is open for longer than the window, the retry comes too late and the grant is lost (R-07)',
    async () => {
      const all: FaultConnection[] = [];
      const hit: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await linkAt(['grace-same']);
        all.push(...connections);
        const [limited, late] = connections as [FaultConnection, FaultConnection];
        hit.push(late);
        await loseResponses(late, 2, { kind: 'reset-response', afterBytes: 0 });
        const headers = { 'retry-after': String(retryAfterSeconds) };
        cluster.sandbox.provider(late.slug).misbehave({ endpoint: 'refresh', type: 'status', code: 429, headers });
        await cluster.ask(survivor, limited);
        await passTime(leaseSeconds);
        // Inside the window; but the provider has asked to be left alone.
        await cluster.ask(survivor, late);
        expect(cluster.refreshCount(late)).toBe(2);
        await passTime(retryAfterSeconds);
        expect(await cluster.ask(survivor, limited)).toMatchObject({ status: 200 });
        await askUntilGivenUp([late]);
      }
      const violations = await cluster.check(all, hit);
      const limit = 'the circuit breaker is open for longer';
      report('R-07', 'responses lost, provider with a window', { ...counts(hit.length, all), limit }, violations);
      expect(violations).toEqual(lossOf(hit));
    },
    timeoutMs,
  );

  it(
    'two processes that refresh at once send each refresh token once, although the window would forgive it (R-03)',
    async () => {
      const all = await linkAt(declared);
      for (let round = 1; round <= rounds; round += 1) {
        for (const slug of declared) {
          const slow = { endpoint: 'refresh', type: 'slow', ms: 50, processed: true } as const;
          cluster.sandbox.provider(slug).misbehave(slow, connectionCount);
        }
        const asked = cluster.replicas.flatMap((replica) => Array.from({ length: callers }, () => replica));
        await Promise.all(asked.map((replica) => cluster.askAll(replica, all)));
        expect(all.map((each) => cluster.refreshCount(each))).toEqual(all.map(() => 2 * round - 1));
        await cluster.shorten(all, survivor);
      }
      const violations = await cluster.check(all);
      report('R-03', '2 processes ask at once, provider with a window', counts(rounds * all.length, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );
});

function lossOf(connections: readonly FaultConnection[]) {
  return connections.map(({ userId }) => ({ invariant: 'I3', userId, what: 'the provider has ended the grant' }));
}

function counts(faults: number, connections: readonly FaultConnection[]) {
  return { rounds, faults, connections: connections.length };
}
