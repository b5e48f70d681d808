import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { OAuth2Definition } from '../../src/provider-kit/definition/provider-definition.js';
import { findFamily, lostUsers } from '../support/history-checker.js';
import { pathOf as callbackPathOf, startLink } from '../support/linking.js';
import { OidcPeer } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { definePeer, peerEnvironment, peerScopes } from '../support/peer-provider.js';
import { randomNumbers } from '../support/random-numbers.js';
import { until } from '../support/until.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { OwnPostgres } from './support/fault-database.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, findWithoutToken, pathOf } from './support/token-callers.js';
import { report, rounds, seed } from './support/figures.js';
import type { Replica } from './support/replica.js';
import { leaseSeconds, holdSeconds } from './support/timing.js';

const [prompt, slow] = [definePeer('peer', 'body'), definePeer('peer-slow', 'body')];
const definitions = [prompt, slow];
/** The slow one is overdue soon, so that its lease need not be waited for. */
const hasty = [prompt, { ...slow, refresh: { ...slow.refresh, timeoutMs: 1_000 } }];
const [acquireLease, saveRefreshed] = ['connections-acquire-lease', 'connections-save-refreshed'];
const connectionCount = 8;
/** Of one connection, at each replica, at the same moment. */
const callers = 3;
const maxLatencyMs = 60;
const maxHeadStartMs = 80;
const timeoutMs = 300_000 + rounds * 10_000;

const describeHere = describeOnPlain('it stops its PostgreSQL');

describeHere('an independent server that revokes the grant when a refresh token comes twice', () => {
  let peer: OidcPeer;
  let postgres: OwnPostgres;
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;
  /** Has the hold switched off. */
  let eager: Replica;
  let linked = 0;

  beforeAll(async () => {
    const clients = definitions.map(({ slug }) => clientOf(slug));
    // Every access token is inside the margin, so every call for a token is one for a refresh.
    peer = await OidcPeer.start({ clients, scopes: peerScopes, accessTokenLifetimeSeconds: 55 });
    const environment = Object.assign(
      // A peer that is slow again and again would be left alone in the end.
      { PROVIDER_BREAKER_FAILURES: '1000' },
      ...clients.map((client) => peerEnvironment(peer, client.id, client)),
    ) as Record<string, string>;
    postgres = await OwnPostgres.start();
    cluster = await FaultCluster.start({
      providers: Object.fromEntries(definitions.map(({ slug, sandbox }) => [slug, sandbox])),
      records: Object.fromEntries(definitions.map(({ slug }) => [slug, peer.records])),
      replicas: [
        { environment, definitions: hasty },
        { environment, definitions },
        { environment: { ...environment, REFRESH_IN_DOUBT_HOLD_SECONDS: '0' }, definitions },
      ],
      database: postgres,
    });
    [first, second, eager] = [cluster.replica(0), cluster.replica(1), cluster.replica(2)];
  });
  afterAll(async () => {
    await cluster?.stop();
    await peer?.stop();
  });
  beforeEach(() => {
    peer.forget();
    cluster.replicas.forEach(({ database }) => database.clear());
  });

  async function link({ slug }: OAuth2Definition): Promise<FaultConnection[]> {
    return Promise.all(
      Array.from({ length: connectionCount }, async () => {
        linked += 1;
        const userId = `peer-user-${linked}`;
        await second.api.get(await consentOf({ userId, slug })).expect(200);
        return { userId, slug, familyId: findFamily(peer.records, userId) };
      }),
    );
  }

  /** Goes as far as the callback, and returns its path and query. */
  async function consentOf({ userId, slug }: Pick<FaultConnection, 'userId' | 'slug'>): Promise<string> {
    const { linkWebUrl } = await startLink(second, userId, slug);
    return callbackPathOf(await peer.consent(linkWebUrl, { account: userId }));
  }

  /**
   * Lets every round happen to connections of its own.
   *
   * @param round - returns the connections as the checker is to know them, where that has changed
   * @returns the connections of all rounds
   */
  async function inRounds(
    round: (connections: readonly FaultConnection[]) => Promise<readonly FaultConnection[] | void>,
    definition = prompt,
  ): Promise<FaultConnection[]> {
    const all: FaultConnection[] = [];
    for (let number = 0; number < rounds; number += 1) {
      const connections = await link(definition);
      all.push(...((await round(connections)) ?? connections));
    }
    return all;
  }

  /** Every connection must take one more refresh, and the checker has to find nothing. */
  async function expectNothingLost(
    id: string,
    what: string,
    faults: number,
    connections: readonly FaultConnection[],
  ): Promise<void> {
    await cluster.passTime(holdSeconds);
    await cluster.shorten(connections, second);
    const violations = await cluster.check(connections);
    report(id, `${what}, oidc-provider`, { rounds, faults, connections: connections.length }, violations);
    expect(violations).toEqual([]);
    expect(peer.revokedGrants).toBe(0);
    expect(new Set(peer.requestsOf('refresh_token').map(({ status }) => status))).toEqual(new Set([200]));
  }

  it(
    'two processes that refresh at once lose no grant (R-03)',
    async () => {
      const all = await inRounds(async (connections) => {
        peer.delayTokenRequests(20);
        const asked = [first, second].flatMap((replica) => Array.from({ length: callers }, () => replica));
        const responses = await Promise.all(asked.map((replica) => cluster.askAll(replica, connections)));
        expect(new Set(responses.flat().map(({ status }) => status))).toEqual(new Set([200]));
      });
      await expectNothingLost('R-03', '2 processes ask at once', all.length, all);
    },
    timeoutMs,
  );

  it(
    '(a) killed before the commit, a process finds the new tokens in its journal and loses no grant (R-01)',
    async () => {
      const all = await inRounds(async (connections) => {
        const asking = await askUntilCommit(connections);
        await first.kill();
        await asking.over;
        await first.start();
      });
      await expectNothingLost('R-01a', 'killed before the commit', rounds, all);
    },
    timeoutMs,
  );

  it(
    'killed between the lease and the call, a process leaves the refresh to another one after the hold (R-02)',
    async () => {
      const all = await inRounds(async (connections) => {
        const point = first.database.holdResponse(acquireLease);
        const asking = cluster.askAll(first, connections);
        await point.reached(connections.length);
        await first.kill();
        await asking;
        await cluster.passTime(leaseSeconds);
        await cluster.askAll(second, connections);
        expect(cluster.refreshSum(connections)).toBe(0);
        await cluster.passTime(holdSeconds);
        await cluster.askAll(second, connections);
        expect(cluster.refreshSum(connections)).toBe(connections.length);
        await first.start();
      });
      await expectNothingLost('R-02', 'killed between lease and call', rounds, all);
    },
    timeoutMs,
  );

  it.each([
    ['commits what the peer sent', undefined],
    ['loses the grant to a process without the hold', 'hold'],
  ])(
    'frozen until its lease has run out, a process %s (R-04)',
    async (_what, without) => {
      const all = await inRounds(async (connections) => {
        const asking = await askUntilCommit(connections);
        first.pause();
        await cluster.passTime(leaseSeconds);
        await cluster.askAll(without === undefined ? second : eager, connections);
        first.resume();
        first.database.clear();
        await asking.over;
      });
      if (without === undefined) {
        await expectNothingLost('R-04', 'frozen beyond the lease', rounds, all);
        return;
      }
      const violations = await cluster.check(all);
      const figures = { rounds, faults: rounds, connections: all.length, without };
      report('R-04', 'frozen beyond the lease, oidc-provider', figures, violations);
      expect(new Set(violations.map(({ invariant }) => invariant))).toEqual(new Set(['I1', 'I3']));
      expect(lostUsers(violations).size).toBe(all.length);
      expect(peer.revokedGrants).toBe(all.length);
    },
    timeoutMs,
  );

  // Before PostgreSQL is stopped: for half a minute after that nothing is leased whose outcome is unknown.
  it.each([
    ['never has two requests of a connection', undefined],
    ['has two of each from a process without the hold', 'hold'],
  ])(
    'a peer slower than the lease %s (R-08)',
    async (_what, without) => {
      const all = await inRounds(async (connections) => {
        peer.stallTokenRequests();
        // Callers get the old token; the peer has the request all the same.
        await cluster.askAll(first, connections);
        expect(peer.tokenRequestsInFlight).toBe(connections.length);
        await cluster.passTime(leaseSeconds);
        const asking = cluster.askAll(without === undefined ? second : eager, connections);
        if (without === undefined) {
          await asking;
          expect(peer.tokenRequestsInFlight).toBe(connections.length);
        } else {
          await until('the peer has both', async () => {
            // The leases of the first are renewed.
            await cluster.passTime(leaseSeconds);
            return peer.tokenRequestsInFlight === 2 * connections.length;
          });
        }
        peer.releaseTokenRequests();
        await asking;
        await until('the peer is done', () => peer.tokenRequestsInFlight === 0);
      }, slow);
      if (without === undefined) {
        await expectNothingLost('R-08', 'slower than the lease', all.length, all);
        return;
      }
      const violations = await cluster.check(all);
      const figures = { rounds, faults: all.length, connections: all.length, without };
      report('R-08', 'slower than the lease, oidc-provider', figures, violations);
      const crowded = violations.filter(({ invariant }) => invariant === 'I6').map(({ userId }) => userId);
      expect(crowded).toEqual(all.map(({ userId }) => userId));
    },
    timeoutMs,
  );

  it(
    'PostgreSQL stopped between the response and the commit loses no grant, and no token is sent twice (R-05)',
    async () => {
      const all = await inRounds(async (connections) => {
        const askedAtMs = performance.now();
        const asking = await askUntilCommit(connections);
        await postgres.crash();
        first.database.clear();
        await postgres.restart();
        const responses = await asking.over;
        expect(findWithoutToken(responses, askedAtMs)).toEqual([]);
        // By the saves, or from the journal. It may be the first to look after the restart.
        await until('the journal is empty', async () => (await first.journalEntries()).length === 0);
        expect(cluster.refreshSum(connections)).toBe(connections.length);
      });
      await expectNothingLost('R-05', 'PostgreSQL stopped before the commit', rounds, all);
    },
    timeoutMs,
  );

  it(
    'while PostgreSQL is away no refresh token is spent and no token is issued (R-06)',
    async () => {
      const all = await inRounds(async (connections) => {
        await postgres.crash();
        for (const replica of [first, second]) {
          const responses = await cluster.askAll(replica, connections);
          expect(responses.map(({ code }) => code)).toEqual(connections.map(() => 'DATABASE_UNAVAILABLE'));
        }
        expect(cluster.refreshSum(connections)).toBe(0);
        await postgres.restart();
        const responses = await cluster.askAll(second, connections);
        expect(responses.map(({ status }) => status)).toEqual(connections.map(() => 200));
      });
      await expectNothingLost('R-06', 'PostgreSQL away before the claim', rounds, all);
    },
    timeoutMs,
  );

  it(
    'an unlinked connection never comes back, and its grant ends at the peer (R-19, TE-11)',
    async () => {
      const random = randomNumbers(seed);
      const all = await inRounds(async (connections) => {
        for (const connection of connections) {
          peer.delayTokenRequests(Math.floor(random() * maxLatencyMs));
          const refreshed = first.api.post(`${pathOf(connection)}/refresh`).then(({ status }) => status);
          await sleep(Math.floor(random() * maxHeadStartMs));
          await second.api.delete(pathOf(connection)).expect(200);
          expect([200, 404]).toContain(await refreshed);
          await second.api.get(`${pathOf(connection)}/token`).expect(404);
          // On a slow machine the token that a refresh brings late is revoked after both responses.
          await until('the grant has ended at the peer', () =>
            peer.records.liveGrants().every(({ familyId }) => familyId !== connection.familyId),
          );
        }
        // Tokens that a refresh brings after the unlink are dropped.
        return connections.map((each) => ({ ...each, formerFamilyIds: [each.familyId] }));
      });
      // That they are gone is what was asked for.
      const violations = (await cluster.check(all)).filter(({ invariant }) => invariant !== 'I3');
      const figures = { rounds, faults: all.length, connections: all.length };
      report('R-19', 'unlinked during a refresh, oidc-provider', figures, violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'a new link is never overwritten by a refresh of the old one (R-20, AR-24)',
    async () => {
      const all = await inRounds(async (connections) => {
        const callbacks = await Promise.all(connections.map(consentOf));
        const asking = await askUntilCommit(connections);
        await Promise.all(callbacks.map((callback) => second.api.get(callback).expect(200)));
        first.database.clear();
        await asking.over;
        return connections.map((former) => {
          const familyId = findFamily(peer.records, former.userId);
          expect(familyId).not.toBe(former.familyId);
          return { ...former, familyId, formerFamilyIds: [former.familyId] };
        });
      });
      await expectNothingLost('R-20', 'linked anew during a refresh', all.length, all);
    },
    timeoutMs,
  );

  /** Asks the first replica until the peer has responded to everything and no new token is committed. */
  async function askUntilCommit(connections: readonly FaultConnection[]) {
    const point = first.database.hold(saveRefreshed);
    const over = cluster.askAll(first, connections);
    await first.commitsHeld(point, connections.length);
    return { over };
  }
});

function clientOf(slug: string): PeerClient {
  return {
    id: slug,
    secret: 'a secret of the peer, not of anybody else',
    authentication: 'client_secret_post',
    redirectUri: `http://localhost:3000/v1/oauth/${slug}/callback`,
  };
}
