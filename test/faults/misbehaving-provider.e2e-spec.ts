import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { concept2Definition } from '../../src/providers/concept2/concept2.definition.js';
import { googleHealthDefinition } from '../../src/providers/google-health/google-health.definition.js';
import { hexoskinDefinition } from '../../src/providers/hexoskin/hexoskin.definition.js';
import { wahooDefinition } from '../../src/providers/wahoo/wahoo.definition.js';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import type { OAuth2SandboxDefinition } from '../../src/provider-kit/definition/sandbox-definition.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report, rounds } from './support/figures.js';
import type { NetworkFault } from './support/faulty-network.js';
import type { Replica } from './support/replica.js';
import { leaseSeconds, confirmationSeconds, holdSeconds, pauseSeconds } from './support/timing.js';
import { lostResponses } from './support/lost-responses.js';

const connectionCount = 5;
/** More failures than open the circuit breaker of a provider for all replicas. */
const manyConnections = 15;
/** How long a lease lasts at these providers, in milliseconds. */
const leaseMs = 30_000;
const timeoutMs = 300_000 + rounds * 20_000;

describe('providers that respond late, halfway or not at all', () => {
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;
  /** Has the hold switched off. */
  let eager: Replica;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: {
        whoop: whoopDefinition.sandbox,
        // Strict as well, for scenarios that run beside each other.
        concept2: strict(concept2Definition.sandbox),
        hexoskin: strict(hexoskinDefinition.sandbox),
        wahoo: wahooDefinition.sandbox,
        'google-health': googleHealthDefinition.sandbox,
      },
      replicas: [{}, {}, { environment: { REFRESH_IN_DOUBT_HOLD_SECONDS: '0' } }],
    });
    first = cluster.replica(0);
    second = cluster.replica(1);
    eager = cluster.replica(2);
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => {
    for (const slug of ['whoop', 'concept2', 'hexoskin', 'wahoo', 'google-health']) {
      cluster.sandbox.provider(slug).behave();
    }
  });

  /** Lets each of the faults meet one connection at the first replica. */
  async function meet(slug: string, faults: readonly NetworkFault[]): Promise<FaultConnection[]> {
    const connections = await cluster.link(slug, faults.length, second);
    for (const [index, fault] of faults.entries()) {
      first.providerLine.fail(fault);
      await cluster.askAll(first, connections.slice(index, index + 1));
    }
    expect(first.providerLine.outstanding).toBe(0);
    return connections;
  }

  it.each([['wahoo'], ['google-health']])(
    'a lost response costs nothing at %s, which takes the same refresh token again (R-07)',
    async (slug) => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await meet(slug, lostResponses);
        // Where the first replica has not done it already.
        await cluster.passTime(pauseSeconds);
        const responses = await cluster.askAll(second, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 2));
        all.push(...connections);
      }
      const violations = await cluster.check(all, all);
      report('R-07', `responses lost, ${slug}`, counts(all.length, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a lost response of a strict provider ends the connection only after the hold and a second refusal (R-07)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await meet('whoop', lostResponses);
        all.push(...connections);
        for (const [seconds, requests, status] of [
          [leaseSeconds, 1, 'active'],
          [holdSeconds, 2, 'active'],
          [confirmationSeconds, 3, 'needs_relink'],
          [confirmationSeconds, 3, 'needs_relink'],
        ] as const) {
          await cluster.passTime(seconds);
          await cluster.askAll(second, connections);
          expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => requests));
          expect(await statusOf(connections)).toEqual(connections.map(() => status));
        }
      }
      const violations = await cluster.check(all, all);
      const limit = 'the response is lost for good';
      report('R-07', 'responses lost, strict provider', { ...counts(all.length, all), limit }, violations);
      expect(violations).toEqual(
        all.map(({ userId }) => ({ invariant: 'I3', userId, what: 'the provider has ended the grant' })),
      );
    },
    timeoutMs,
  );

  it(
    'a request that never reached a strict provider is sent again after the hold, and nothing is lost (R-07)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await meet(
          'whoop',
          lostResponses.map(() => ({ kind: 'lose-request' })),
        );
        all.push(...connections);
        expect(cluster.refreshSum(connections)).toBe(0);
        await cluster.passTime(holdSeconds);
        await cluster.askAll(second, connections);
        expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 1));
      }
      const violations = await cluster.check(all);
      report('R-07', 'requests lost', counts(all.length, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a provider slower than the lease never has two requests of a connection, unless the hold is switched off (R-08)',
    async () => {
      const providers = { late: 'whoop', lateWithoutHold: 'concept2', silent: 'hexoskin' };
      const [late, lateWithoutHold, silent] = await Promise.all([
        cluster.link(providers.late, connectionCount),
        cluster.link(providers.lateWithoutHold, connectionCount),
        cluster.link(providers.silent, connectionCount),
      ]);
      for (const [slug, processed] of [
        [providers.late, false],
        [providers.lateWithoutHold, true],
      ] as const) {
        const slow = { endpoint: 'refresh', type: 'slow', ms: 3 * leaseMs, processed } as const;
        cluster.sandbox.provider(slug).misbehave(slow, Infinity);
      }
      const before = { late: requestsAt(providers.late), silent: requestsAt(providers.silent) };
      second.providerLine.fail({ kind: 'swallow-response' }, connectionCount);
      // Each caller gets its error when the time limit is over; without the hold the response is then given up.
      const refused = await Promise.all([
        refreshAll(first, late),
        refreshAll(eager, lateWithoutHold),
        refreshAll(second, silent),
      ]);
      expect(new Set(refused.flat())).toEqual(new Set(['PROVIDER_UNAVAILABLE']));
      await cluster.passTime(leaseSeconds);
      const again = cluster.askAll(eager, lateWithoutHold);
      await cluster.askAll(second, late);
      await cluster.askAll(first, silent);
      await until('the eager replica has asked again', () => cluster.refreshSum(lateWithoutHold) > connectionCount);
      expect(requestsAt(providers.late) - before.late).toBe(connectionCount);
      expect(requestsAt(providers.silent) - before.silent).toBe(connectionCount);
      const violations = await cluster.check(late);
      report('R-08', 'provider slower than the lease', { ...counts(late.length, late), rounds: 1 }, violations);
      expect(violations).toEqual([]);
      const broken = await cluster.check(lateWithoutHold);
      const figures = { ...counts(late.length, lateWithoutHold), rounds: 1, without: 'hold' };
      report('R-08', 'provider slower than the lease', figures, broken);
      expect(broken.map(({ invariant }) => invariant)).toEqual(expect.arrayContaining(['I1', 'I6']));
      await eager.kill();
      await again;
    },
    timeoutMs,
  );

  it(
    'a provider that resets idle connections breaks no refresh (R-24, TE-06)',
    async () => {
      const all = await cluster.link('whoop', connectionCount);
      first.providerLine.resetsIdleConnections = true;
      for (let round = 0; round < 5 * rounds; round += 1) {
        await cluster.shorten(all, first);
        await until('every connection was reset', () => !first.providerLine.isOpen);
      }
      first.providerLine.resetsIdleConnections = false;
      expect(cluster.refreshSum(all)).toBe(5 * rounds * all.length);
      const violations = await cluster.check(all);
      report('R-24', 'idle connections reset', { ...counts(5 * rounds * all.length, all) }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a replica that cannot reach the provider leaves the refresh to another one before the lease would have run out (R-26)',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await cluster.link('whoop', manyConnections, second);
        all.push(...connections);
        await first.providerLine.close();
        await cluster.askAll(first, connections);
        expect(cluster.refreshSum(connections)).toBe(0);
        const takenOver = async (): Promise<boolean> => {
          await cluster.askAll(second, connections);
          return cluster.refreshSum(connections) === connections.length;
        };
        await until('the other replica has refreshed everything', takenOver, leaseMs);
        await first.providerLine.reopen();
      }
      const violations = await cluster.check(all);
      report('R-26', 'provider out of reach of one replica', counts(rounds, all), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  /** Asks for a refresh of all, and returns the codes of what went wrong. */
  function refreshAll(replica: Replica, connections: readonly FaultConnection[]): Promise<unknown[]> {
    return Promise.all(
      connections.map(async (connection) => {
        const response = await replica.api.post(`${pathOf(connection)}/refresh`);
        return (response.body as { code?: unknown }).code;
      }),
    );
  }

  function requestsAt(slug: string): number {
    return cluster.sandbox.provider(slug).history.filter(({ kind }) => kind === 'refresh').length;
  }

  /** Of the given connections in the eyes of the company. */
  async function statusOf(connections: readonly FaultConnection[]): Promise<unknown[]> {
    return Promise.all(
      connections.map(async ({ userId, slug }) => {
        const response = await second.api.get(`/v1/users/${userId}/connections/${slug}`).expect(200);
        return (response.body as { status?: unknown }).status;
      }),
    );
  }
});

function strict(provider: OAuth2SandboxDefinition): OAuth2SandboxDefinition {
  return { ...provider, reuse: 'family-revoked' };
}

function counts(faults: number, connections: readonly FaultConnection[]) {
  return { rounds, faults, connections: connections.length };
}
