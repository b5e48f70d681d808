import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { defineGraceful } from '../support/graceful-provider.js';
import { findFamily, lostUsers } from '../support/history-checker.js';
import { pathOf as callbackPathOf, startLink } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { OidcPeer } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { definePeer, peerEnvironment, peerScopes } from '../support/peer-provider.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type CallerResponse, type FaultConnection, pathOf } from './support/token-callers.js';
import { report } from './support/figures.js';
import type { Replica } from './support/replica.js';

/** `npm run test:slow-providers` takes real seconds; else a tenth of them, where the program has no fixed times. */
const isReal = process.env['FAULT_REAL_SECONDS'] !== undefined;
const scale = isReal ? 1 : 0.1;
/** Of the requests at the replica that is slow to be responded to. */
const timeLimitMs = 10_000 * scale;
/** How long after its decision the server responds; of each connection. */
const responseDelaysMs = [12, 30, 60, 100].flatMap((seconds) =>
  Array.from({ length: 4 }, () => seconds * 1_000 * scale),
);
/** Ten seconds of it are for the commit, in the short form as well. */
const holdSeconds = isReal ? 120 : 25;
/** Shorter than the time for the commit: no response is read on. */
const shortHoldSeconds = 5;
const timeoutMs = 400_000;

const [prompt, slow] = [definePeer('peer', 'body'), definePeer('peer-slow', 'body')];
const definitions = [prompt, slow];
const hasty = [prompt, { ...slow, refresh: { ...slow.refresh, timeoutMs: timeLimitMs } }];
/**
 * More than one connection in a row would open the circuit breaker of the provider, which is not what this is about.
 */
const patientBreaker = { PROVIDER_BREAKER_FAILURES: '1000' };

describe('a server that decides on a refresh at once and responds long after the time limit', () => {
  let peer: OidcPeer;
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;
  /** Reads no response on. */
  let impatient: Replica;
  let linked = 0;

  beforeAll(async () => {
    const clients = definitions.map(({ slug }) => clientOf(slug));
    // Longer than the longest delay; the margin is shorter, so that only this test asks for refreshes.
    peer = await OidcPeer.start({ clients, scopes: peerScopes, accessTokenLifetimeSeconds: 200 });
    const environment = Object.assign(
      { ...patientBreaker, REFRESH_IN_DOUBT_HOLD_SECONDS: String(holdSeconds), TOKEN_REFRESH_MARGIN_SECONDS: '10' },
      ...clients.map((client) => peerEnvironment(peer, client.id, client)),
    ) as Record<string, string>;
    const withShortHold = { ...environment, REFRESH_IN_DOUBT_HOLD_SECONDS: String(shortHoldSeconds) };
    cluster = await FaultCluster.start({
      providers: Object.fromEntries(definitions.map(({ slug, sandbox }) => [slug, sandbox])),
      records: Object.fromEntries(definitions.map(({ slug }) => [slug, peer.records])),
      replicas: [
        { environment, definitions: hasty },
        { environment, definitions },
        { environment: withShortHold, definitions: hasty },
      ],
    });
    [first, second, impatient] = [cluster.replica(0), cluster.replica(1), cluster.replica(2)];
  });
  afterAll(async () => {
    await cluster?.stop();
    await peer?.stop();
  });
  beforeEach(() => peer.forget());

  async function link(count: number): Promise<FaultConnection[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        linked += 1;
        const userId = `slow-user-${linked}`;
        const { linkWebUrl } = await startLink(second, userId, slow.slug);
        await second.api.get(callbackPathOf(await peer.consent(linkWebUrl, { account: userId }))).expect(200);
        return { userId, slug: slow.slug, familyId: findFamily(peer.records, userId) };
      }),
    );
  }

  /** Asks for a refresh of all, and returns what came of it. */
  function refreshAll(replica: Replica, connections: readonly FaultConnection[]): Promise<unknown[]> {
    return Promise.all(
      connections.map(async (connection) => (await replica.api.post(`${pathOf(connection)}/refresh`)).body as unknown),
    );
  }

  /** How many of the leases last longer than when they were taken. */
  async function renewedLeases(): Promise<number> {
    const rows = await queryDatabase(
      cluster.database.url,
      `SELECT 1 FROM connections WHERE leased_until > now()
         AND leased_until > attempt_started_at + ($1::float8 + 0.5) * interval '1 second'`,
      [(2 * timeLimitMs + 10_000) / 1_000],
    );
    return rows.length;
  }

  it(
    'loses no connection and gets one request for each, while callers have the old token (R-07, R-08)',
    async () => {
      const connections = await link(responseDelaysMs.length);
      peer.delayRefreshResponses(responseDelaysMs);
      const told = await refreshAll(first, connections);
      expect(told).toEqual(
        connections.map(() =>
          expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE', retry_after_seconds: timeLimitMs / 1_000 }),
        ),
      );
      await until('the leases are renewed', async () => (await renewedLeases()) > 0);
      const responses: CallerResponse[] = [];
      await until(
        'all responses are committed',
        async () => {
          responses.push(...(await cluster.askAll(first, connections)), ...(await cluster.askAll(second, connections)));
          return (await cluster.refreshesInDoubt(connections)) === 0;
        },
        timeoutMs,
      );
      expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
      expect(connections.map((each) => cluster.refreshCount(each))).toEqual(connections.map(() => 1));
      expect(peer.revokedGrants).toBe(0);
      // The peer takes the stored tokens.
      expect(await refreshAll(second, connections)).toEqual(
        connections.map(() => expect.objectContaining({ status: 'active' })),
      );
      const violations = await cluster.check(connections);
      const delays = [...new Set(responseDelaysMs)].map((delayMs) => delayMs / 1_000);
      const what = `responses after ${delays.join(', ')} s, limit ${timeLimitMs / 1_000} s, oidc-provider`;
      report('R-08', what, counts(connections), violations);
      expect(violations).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'loses every connection where responses are not read on (R-08)',
    async () => {
      const connections = await link(4);
      peer.delayRefreshResponses(connections.map(() => 12_000 * scale));
      await refreshAll(impatient, connections);
      await until('the peer has responded to nobody', () => peer.tokenRequestsInFlight === 0, timeoutMs);
      await cluster.passTime(shortHoldSeconds);
      await refreshAll(impatient, connections);
      expect(peer.revokedGrants).toBe(connections.length);
      const violations = await cluster.check(connections);
      report(
        'R-08',
        'responses after the limit, oidc-provider',
        { ...counts(connections), without: 'reading on' },
        violations,
      );
      expect(lostUsers(violations).size).toBe(connections.length);
    },
    timeoutMs,
  );

  it(
    'is awaited when the process stops, and stored if it comes in time (R-23)',
    async () => {
      const connections = await link(4);
      peer.delayRefreshResponses(connections.map(() => 1.5 * timeLimitMs));
      const told = await refreshAll(first, connections);
      expect(told).toEqual(connections.map(() => expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' })));
      await first.stop();
      expect(await cluster.refreshesInDoubt(connections)).toBe(0);
      const violations = await cluster.check(connections);
      report('R-23', 'stopped while a response is overdue, oidc-provider', counts(connections), violations);
      expect(violations).toEqual([]);
      await first.start();
    },
    timeoutMs,
  );

  it(
    'stays in doubt at a process that stops, if it takes longer (R-23)',
    async () => {
      const connections = await link(4);
      peer.stallTokenRequests();
      const told = await refreshAll(first, connections);
      expect(told).toEqual(connections.map(() => expect.objectContaining({ code: 'PROVIDER_UNAVAILABLE' })));
      await first.stop();
      const rows = await queryDatabase(
        cluster.database.url,
        'SELECT lease_id FROM connections WHERE attempt_started_at IS NOT NULL',
      );
      expect(rows).toEqual(connections.map(() => ({ lease_id: null })));
      peer.releaseTokenRequests();
      await cluster.passTime(holdSeconds);
      expect(await refreshAll(second, connections)).toEqual(
        connections.map(() => expect.objectContaining({ status: 'active' })),
      );
      const violations = await cluster.check(connections);
      report('R-23', 'stopped while a request is stalled, oidc-provider', counts(connections), violations);
      expect(violations).toEqual([]);
      await first.start();
    },
    timeoutMs,
  );
});

/** Lives of the tokens that callers hold when the refresh begins, in seconds. */
const lives = isReal ? [14, 22, 31] : [9, 12, 21];
/** Of a token's life: then its caller would wait for the refresh to its end. */
const unaskedSeconds = 7;
const connectionsOfEach = 4;
/**
 * A strict provider that is slow gets one request; one that forgives a repetition gets it at the time limit, and no
 * third one.
 */
const requestsOfEach: Readonly<Record<string, number>> = { whoop: 1, 'grace-slow': 2 };
const graceful = defineGraceful('grace-slow', { seconds: 60, response: 'same', declared: { seconds: 60 } });

describe('callers with a working token', () => {
  let cluster: FaultCluster;
  let refresher: Replica;
  let asked: Replica;

  beforeAll(async () => {
    cluster = await FaultCluster.start({
      providers: { whoop: whoopDefinition.sandbox, [graceful.slug]: graceful.sandbox },
      replicas: [
        // A lease of it ends while callers still ask, unless it is renewed.
        {
          environment: patientBreaker,
          definitions: [{ ...graceful, refresh: { ...graceful.refresh, timeoutMs: 1_000 } }],
        },
        { environment: patientBreaker, definitions: [graceful] },
      ],
    });
    [refresher, asked] = [cluster.replica(0), cluster.replica(1)];
  });
  afterAll(() => cluster?.stop());

  afterEach(async () => {
    [whoopDefinition.slug, graceful.slug].forEach((slug) => cluster.sandbox.provider(slug).behave());
    refresher.resume();
    await refresher.kill();
    await refresher.start();
  });

  function requestsAt(slug: string): number {
    return cluster.sandbox.provider(slug).history.filter(({ kind }) => kind === 'refresh').length;
  }

  it.each<[string, string, () => Promise<void>]>([
    ['whoop', 'killed', () => refresher.kill()],
    ['whoop', 'frozen', async () => refresher.pause()],
    ['whoop', 'held up by a slow provider', async () => undefined],
    [graceful.slug, 'held up by a slow provider', async () => undefined],
  ])(
    'of %s get it, soon, from their call on, while the process that refreshes it is %s (R-02)',
    async (slug, what, disturb) => {
      const fake = cluster.sandbox.provider(slug);
      const connections: FaultConnection[] = [];
      const askedUntil = new Map<FaultConnection, number>();
      for (const life of lives.toReversed()) {
        const linkedNow = await cluster.link(slug, connectionsOfEach, asked, life);
        linkedNow.forEach((each) => askedUntil.set(each, performance.now() + (life - unaskedSeconds) * 1_000));
        connections.push(...linkedNow);
      }
      const stillAsked = () => connections.filter((each) => performance.now() < (askedUntil.get(each) ?? 0));
      fake.misbehave({ endpoint: 'refresh', ...held, processed: false }, Infinity);
      const before = requestsAt(slug);
      const asking = cluster.askAll(refresher, connections);
      await until('the provider has all requests', () => requestsAt(slug) >= before + connections.length);
      await disturb();
      const isSlow = what === 'held up by a slow provider';
      while (stillAsked().length > 0) {
        const replicas = isSlow ? [asked, refresher] : [asked];
        await Promise.all(replicas.map((replica) => cluster.askAll(replica, stillAsked())));
      }
      expect(requestsAt(slug) - before).toBe((requestsOfEach[slug] ?? 0) * connections.length);
      const violations = await cluster.check(connections, connections);
      report('R-02', `refresher ${what}, ${slug}`, counts(connections), violations);
      expect(violations).toEqual([]);
      await refresher.kill();
      await asking;
    },
    timeoutMs,
  );
});

function counts(connections: readonly FaultConnection[]) {
  return { rounds: 1, faults: connections.length, connections: connections.length };
}

function clientOf(slug: string): PeerClient {
  return {
    id: slug,
    secret: 'a secret of the peer, not of anybody else',
    authentication: 'client_secret_post',
    redirectUri: `http://localhost:3000/v1/oauth/${slug}/callback`,
  };
}
