import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { garminDefinition } from '../../src/providers/garmin/garmin.definition.js';
import { type RecordingServer, startRecordingServer } from '../../src/provider-kit/testing/recording-server.js';
import { findFamily, lostUsers } from '../support/history-checker.js';
import { pathOf as callbackPathOf, startLink } from '../support/linking.js';
import { OidcPeer, type PeerClient } from '../support/oidc-peer.js';
import { OwnPostgres } from './support/fault-database.js';
import { FaultCluster, type FaultConnection } from './support/fault-cluster.js';
import { report, rounds } from './support/figures.js';
import type { Replica } from './support/replica.js';
import { claimSeconds, holdSeconds } from './support/timing.js';

/** A strict provider with PKCE; its endpoints are moved to the peer. */
const { slug } = garminDefinition;
const client: PeerClient = {
  id: 'cufflink',
  secret: 'a secret of the peer, not of anybody else',
  authentication: 'client_secret_post',
  redirectUri: `http://localhost:3000/v1/oauth/${slug}/callback`,
};
const [takeClaim, saveRefreshed] = ['connections-take-claim', 'connections-save-refreshed'];
const connectionCount = 8;
/** Of one connection, at each replica, at the same moment. */
const callers = 3;
const timeoutMs = 120_000 + rounds * 10_000;

describe('an independent server that revokes the grant when a refresh token comes twice', () => {
  let peer: OidcPeer;
  let accounts: RecordingServer;
  let postgres: OwnPostgres;
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;
  /** Has the hold switched off. */
  let eager: Replica;
  let linked = 0;

  beforeAll(async () => {
    // Every access token is inside the margin, so every call for a token is one for a refresh.
    peer = await OidcPeer.start({ clients: [client], scopes: [], accessTokenLifetimeSeconds: 55 });
    accounts = await startRecordingServer(({ headers: { authorization = '' } }) => {
      const family = peer.records.findIssued(authorization.replace(/^bearer /i, ''))?.familyId;
      const grant = peer.records.liveGrants().find(({ familyId }) => familyId === family);
      const headers = { 'content-type': 'application/json' };
      return { headers, body: JSON.stringify({ userId: grant?.accountId }) };
    });
    const environment = {
      GARMIN_CLIENT_ID: client.id,
      GARMIN_CLIENT_SECRET: client.secret,
      GARMIN_SCOPES: 'openid offline_access',
      // Without it the peer leaves offline_access out (OpenID Connect Core section 11).
      GARMIN_AUTH_URL: `${peer.url}/auth?prompt=consent`,
      GARMIN_TOKEN_URL: `${peer.url}/token`,
      GARMIN_ACCOUNT_URL: `${accounts.url}/user/id`,
      GARMIN_API_BASE_URL: peer.url,
    };
    postgres = await OwnPostgres.start();
    cluster = await FaultCluster.start({
      makers: { [slug]: garminDefinition.sandbox },
      records: { [slug]: peer.records },
      replicas: [
        { environment },
        { environment },
        { environment: { ...environment, REFRESH_IN_DOUBT_HOLD_SECONDS: '0' } },
      ],
      database: postgres,
    });
    [first, second, eager] = [cluster.replica(0), cluster.replica(1), cluster.replica(2)];
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await accounts?.close();
    await peer?.stop();
  });
  beforeEach(() => {
    peer.forget();
    cluster.replicas.forEach(({ database }) => database.clear());
  });

  async function link(count: number): Promise<FaultConnection[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        linked += 1;
        const userId = `peer-user-${linked}`;
        await second.api.get(await consentOf(userId)).expect(200);
        return { userId, slug, familyId: findFamily(peer.records, userId) };
      }),
    );
  }

  /** Goes as far as the callback, and returns its path and query. */
  async function consentOf(userId: string): Promise<string> {
    const { linkWebUrl } = await startLink(second, userId, slug);
    return callbackPathOf(await peer.consent(linkWebUrl, { account: userId }));
  }

  /** Every connection has to answer one more refresh, and the checker has to find nothing. */
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
    'R-03 two processes that are asked at once lose no grant',
    async () => {
      const connections = await link(connectionCount);
      for (let round = 0; round < rounds; round += 1) {
        peer.delayTokenRequests(20);
        const asked = [first, second].flatMap((replica) => Array.from({ length: callers }, () => replica));
        const answers = await Promise.all(asked.map((replica) => cluster.askAll(replica, connections)));
        expect(new Set(answers.flat().map(({ status }) => status))).toEqual(new Set([200]));
      }
      await expectNothingLost('R-03', '2 processes ask at once', rounds * connectionCount, connections);
    },
    timeoutMs,
  );

  it(
    'R-01 (a) killed before the commit, a process finds the new tokens in its journal and loses no grant',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        all.push(...connections);
        const asking = await askUntilCommit(connections);
        await first.kill();
        await asking.over;
        await first.start();
      }
      await expectNothingLost('R-01a', 'killed before the commit', rounds, all);
    },
    timeoutMs,
  );

  it(
    'R-02 killed between the claim and the call, a process leaves the refresh to another one after the hold',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        all.push(...connections);
        const point = first.database.holdAnswer(takeClaim);
        const asking = cluster.askAll(first, connections);
        await point.reached(connections.length);
        await first.kill();
        await asking;
        await cluster.passTime(claimSeconds);
        await cluster.askAll(second, connections);
        expect(cluster.refreshSum(connections)).toBe(0);
        await cluster.passTime(holdSeconds);
        await cluster.askAll(second, connections);
        expect(cluster.refreshSum(connections)).toBe(connections.length);
        await first.start();
      }
      await expectNothingLost('R-02', 'killed between claim and call', rounds, all);
    },
    timeoutMs,
  );

  it.each([
    ['commits what the peer answered', undefined],
    ['loses the grant to a process without the hold', 'hold'],
  ])(
    'R-04 frozen until its claim has run out, a process %s',
    async (_what, without) => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        all.push(...connections);
        const asking = await askUntilCommit(connections);
        first.pause();
        await cluster.passTime(claimSeconds);
        await cluster.askAll(without === undefined ? second : eager, connections);
        first.resume();
        first.database.clear();
        await asking.over;
      }
      if (without === undefined) {
        await expectNothingLost('R-04', 'frozen beyond the claim', rounds, all);
        return;
      }
      const violations = await cluster.check(all);
      const figures = { rounds, faults: rounds, connections: all.length, without };
      report('R-04', 'frozen beyond the claim, oidc-provider', figures, violations);
      expect(new Set(violations.map(({ invariant }) => invariant))).toEqual(new Set(['I1', 'I3']));
      expect(lostUsers(violations).size).toBe(all.length);
      expect(peer.revokedGrants).toBe(all.length);
    },
    timeoutMs,
  );

  it(
    'R-05 PostgreSQL stopped between the answer and the commit loses no grant, and no token is sent twice',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        all.push(...connections);
        const asking = await askUntilCommit(connections);
        await postgres.crash();
        first.database.clear();
        await postgres.restart();
        const answers = await asking.over;
        expect(answers.map(({ status }) => status)).toEqual(connections.map(() => 200));
        expect(cluster.refreshSum(connections)).toBe(connections.length);
      }
      await expectNothingLost('R-05', 'PostgreSQL stopped before the commit', rounds, all);
    },
    timeoutMs,
  );

  it(
    'R-06 while PostgreSQL is away no refresh token is spent and no token is handed out',
    async () => {
      const connections = await link(connectionCount);
      for (let round = 0; round < rounds; round += 1) {
        const before = cluster.refreshSum(connections);
        await postgres.crash();
        for (const replica of [first, second]) {
          const answers = await cluster.askAll(replica, connections);
          expect(answers.map(({ code }) => code)).toEqual(connections.map(() => 'DATABASE_UNAVAILABLE'));
        }
        expect(cluster.refreshSum(connections)).toBe(before);
        await postgres.restart();
        const answers = await cluster.askAll(second, connections);
        expect(answers.map(({ status }) => status)).toEqual(connections.map(() => 200));
      }
      await expectNothingLost('R-06', 'PostgreSQL away before the claim', rounds, connections);
    },
    timeoutMs,
  );

  it(
    'R-20 AR-24 a new link is never overwritten by a refresh of the old one',
    async () => {
      const all: FaultConnection[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        const callbacks = await Promise.all(connections.map(({ userId }) => consentOf(userId)));
        const asking = await askUntilCommit(connections);
        await Promise.all(callbacks.map((callback) => second.api.get(callback).expect(200)));
        first.database.clear();
        await asking.over;
        for (const former of connections) {
          const familyId = findFamily(peer.records, former.userId);
          expect(familyId).not.toBe(former.familyId);
          all.push({ ...former, familyId, formerFamilyIds: [former.familyId] });
        }
      }
      await expectNothingLost('R-20', 'linked anew during a refresh', all.length, all);
    },
    timeoutMs,
  );

  /** Asks the first replica until the peer has answered everything and no new token is committed. */
  async function askUntilCommit(connections: readonly FaultConnection[]) {
    const point = first.database.hold(saveRefreshed);
    const over = cluster.askAll(first, connections);
    await first.commitsHeld(point, connections.length);
    return { over };
  }
});
