import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { findFamily } from '../support/history-checker.js';
import { pathOf as callbackPathOf, startLink } from '../support/linking.js';
import { randomNumbers } from '../support/random-numbers.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report, rounds, seed } from './support/figures.js';
import type { Replica } from './support/replica.js';

const slug = 'whoop';
/** Each of them races once a round: 200 interleavings in 50 rounds. */
const connectionCount = 4;
const maxLatencyMs = 60;
const maxHeadStartMs = 80;
/** Of the keys; the commands wait until every process knows the new one. */
const rotations = Math.min(rounds, 5);
const timeoutMs = 300_000 + rounds * 20_000;

describe('a process that refreshes while another one does something else', () => {
  let cluster: FaultCluster;
  let refreshing: Replica;
  let other: Replica;
  const random = randomNumbers(seed);

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: { [slug]: whoopDefinition.sandbox },
      replicas: [{}, {}],
      oneNetwork: true,
    });
    refreshing = cluster.replica(0);
    other = cluster.replica(1);
  });
  afterAll(() => cluster?.stop());
  beforeEach(() => cluster.sandbox.provider(slug).behave());

  function makeSlow(): void {
    const ms = Math.floor(random() * maxLatencyMs);
    cluster.sandbox.provider(slug).misbehave({ endpoint: 'refresh', type: 'slow', ms, processed: random() < 0.5 });
  }

  /** Begins a refresh that takes some time, and does something else some time later. */
  async function race<Result>(connection: FaultConnection, rival: () => Promise<Result>): Promise<Result> {
    makeSlow();
    const refreshed = refreshing.api.post(`${pathOf(connection)}/refresh`).then(({ status }) => status);
    await sleep(Math.floor(random() * maxHeadStartMs));
    const result = await rival();
    expect([200, 404]).toContain(await refreshed);
    return result;
  }

  it(
    'an unlinked connection never comes back, and its grant ends at the provider (R-19, TE-11)',
    async () => {
      const fake = cluster.sandbox.provider(slug);
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        for (const connection of await cluster.link(slug, connectionCount)) {
          // Tokens that a refresh brings after the unlink are dropped.
          all.push({ ...connection, formerFamilyIds: [connection.familyId] });
          await race(connection, () => other.api.delete(pathOf(connection)).expect(200));
          await other.api.get(`${pathOf(connection)}/token`).expect(404);
          expect(fake.liveGrants().map(({ familyId }) => familyId)).not.toContain(connection.familyId);
        }
      }
      // That they are gone is what was asked for.
      const violations = (await cluster.check(all)).filter(({ invariant }) => invariant !== 'I3');
      report('R-19', 'unlinked during a refresh', { rounds, faults: all.length, connections: all.length }, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a new link is never overwritten by a refresh of the old one (R-20, AR-24)',
    async () => {
      const fake = cluster.sandbox.provider(slug);
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        for (const connection of await cluster.link(slug, connectionCount)) {
          const { userId } = connection;
          const accountId = fake.liveGrants().find(({ familyId }) => familyId === connection.familyId)?.accountId;
          const { linkWebUrl } = await startLink(other, userId, slug);
          const callback = await consent(linkWebUrl, { account: accountId ?? '' });
          await race(connection, () => other.api.get(callbackPathOf(callback)).expect(200));
          const familyId = findFamily(fake, accountId ?? '');
          all.push({ ...connection, familyId, formerFamilyIds: [connection.familyId] });
        }
      }
      await cluster.shorten(all, other);
      const violations = await cluster.check(all);
      report(
        'R-20',
        'linked anew during a refresh',
        { rounds, faults: all.length, connections: all.length },
        violations,
      );
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  // Takes half a minute a rotation; `key-rotation.e2e-spec.ts` has it within one process.
  if (rounds > 1) {
    it(
      'keys replaced and rows sealed again during refreshes lose no token (R-21, CR-08)',
      async () => {
        const connections = await cluster.link(slug, 20);
        let isOver = false;
        const load = cluster.replicas.map(async (replica) => {
          while (!isOver) {
            const connection = connections[Math.floor(random() * connections.length)] as FaultConnection;
            makeSlow();
            await replica.api.post(`${pathOf(connection)}/refresh`).expect(200);
            await cluster.ask(replica, connection);
          }
        });
        let sealedAnew = 0;
        try {
          for (let rotation = 0; rotation < rotations; rotation += 1) {
            const kid = (await cluster.keys('add', '--purpose', 'connections.sealed')).trim();
            await cluster.keys('promote', kid);
            const printed = await cluster.keys('reencrypt', '--purpose', 'connections.sealed', '--rate', '1000');
            sealedAnew += Number(/(\d+) re-encrypted/.exec(printed)?.[1]);
          }
        } finally {
          isOver = true;
          await Promise.all(load);
        }
        const violations = await cluster.check(connections);
        const figures = { rounds: rotations, faults: sealedAnew, connections: connections.length };
        report('R-21', 'sealed anew during refreshes', figures, violations);
        expect(violations).toEqual([]);
        expect(sealedAnew).toBeGreaterThan(0);
      },
      timeoutMs,
    );
  }
});
