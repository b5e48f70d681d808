import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { garminDefinition } from '../../src/providers/garmin/garmin.definition.js';
import { type RecordingServer, startRecordingServer } from '../../src/provider-kit/testing/recording-server.js';
import { pathOf as callbackPathOf, startLink } from '../support/linking.js';
import { OidcPeer, type PeerClient } from '../support/oidc-peer.js';
import { FaultCluster, pathOf } from './support/fault-cluster.js';
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
const saveRefreshed = 'connections-save-refreshed';
const connectionCount = 8;
/** Of one connection, at each replica, at the same moment. */
const callers = 3;
const timeoutMs = 60_000 + rounds * 10_000;

interface PeerConnection {
  readonly userId: string;
  readonly slug: string;
}

describe('an independent server that revokes the grant when a refresh token comes twice', () => {
  let peer: OidcPeer;
  let accounts: RecordingServer;
  let cluster: FaultCluster;
  let first: Replica;
  let second: Replica;
  /** Has the hold switched off. */
  let eager: Replica;
  let linked = 0;

  beforeAll(async () => {
    // Every access token is inside the margin, so every call for a token is one for a refresh.
    peer = await OidcPeer.start({ clients: [client], scopes: [], accessTokenLifetimeSeconds: 40 });
    accounts = await startRecordingServer(() => {
      linked += 1;
      const headers = { 'content-type': 'application/json' };
      return { headers, body: JSON.stringify({ userId: `account-${linked}` }) };
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
    cluster = await FaultCluster.start({
      makers: { [slug]: garminDefinition.sandbox },
      replicas: [
        { environment },
        { environment },
        { environment: { ...environment, REFRESH_IN_DOUBT_HOLD_SECONDS: '0' } },
      ],
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

  async function link(count: number): Promise<PeerConnection[]> {
    const connections: PeerConnection[] = [];
    for (let index = 0; index < count; index += 1) {
      const connection = { userId: `peer-user-${linked}`, slug };
      const { linkWebUrl } = await startLink(second, connection.userId, slug);
      const callback = await peer.consent(linkWebUrl, { account: connection.userId });
      await second.api.get(callbackPathOf(callback)).expect(200);
      connections.push(connection);
    }
    return connections;
  }

  async function askAll(replica: Replica, connections: readonly PeerConnection[]): Promise<number[]> {
    return Promise.all(
      connections.map(async (connection) =>
        replica.api.get(`${pathOf(connection)}/token`).then(
          ({ status }) => status,
          () => 0,
        ),
      ),
    );
  }

  /** What the peer says: a refused refresh is a token sent twice, and every connection has to answer one more refresh. */
  async function findLost(connections: readonly PeerConnection[]): Promise<string[]> {
    await cluster.passTime(holdSeconds);
    const lost: string[] = [];
    for (const connection of connections) {
      const { status } = await second.api.post(`${pathOf(connection)}/refresh`);
      if (status !== 200) {
        lost.push(connection.userId);
      }
    }
    return lost;
  }

  function reportPeer(id: string, what: string, faults: number, count: number, lost: string[], without?: string): void {
    const violations = lost.map((userId) => ({ invariant: 'I3' as const, userId, what: 'the peer refuses a refresh' }));
    const counts = { rounds, faults, connections: count, ...(without === undefined ? {} : { without }) };
    report(id, `${what}, oidc-provider`, counts, violations);
  }

  it(
    'R-03 two processes that are asked at once lose no grant',
    async () => {
      const connections = await link(connectionCount);
      for (let round = 0; round < rounds; round += 1) {
        peer.delayTokenRequests(20);
        const asked = [first, second].flatMap((replica) => Array.from({ length: callers }, () => replica));
        const statuses = await Promise.all(asked.map((replica) => askAll(replica, connections)));
        expect(new Set(statuses.flat())).toEqual(new Set([200]));
      }
      const lost = await findLost(connections);
      reportPeer('R-03', '2 processes ask at once', rounds * connectionCount, connectionCount, lost);
      expect(lost).toEqual([]);
      expect(peer.revokedGrants).toBe(0);
      expect(new Set(peer.requestsOf('refresh_token').map(({ status }) => status))).toEqual(new Set([200]));
    },
    timeoutMs,
  );

  it(
    'R-01 (a) killed before the commit, a process finds the new tokens in its journal and loses no grant',
    async () => {
      let count = 0;
      const lost: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        count += connections.length;
        const point = first.database.hold(saveRefreshed);
        const asking = askAll(first, connections);
        await first.commitsHeld(point, connections.length);
        await first.kill();
        await asking;
        await first.start();
        lost.push(...(await findLost(connections)));
      }
      reportPeer('R-01a', 'killed before the commit', rounds, count, lost);
      expect(lost).toEqual([]);
      expect(peer.revokedGrants).toBe(0);
    },
    timeoutMs,
  );

  it.each([
    ['commits what the peer answered', undefined],
    ['loses the grant to a process without the hold', 'hold'],
  ])(
    'R-04 frozen until its claim has run out, a process %s',
    async (_what, without) => {
      let count = 0;
      const lost: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const connections = await link(connectionCount);
        count += connections.length;
        const point = first.database.hold(saveRefreshed);
        const asking = askAll(first, connections);
        await first.commitsHeld(point, connections.length);
        first.pause();
        await cluster.passTime(claimSeconds);
        await askAll(without === undefined ? second : eager, connections);
        first.resume();
        first.database.clear();
        await asking;
        lost.push(...(await findLost(connections)));
      }
      reportPeer('R-04', 'frozen beyond the claim', rounds, count, lost, without);
      expect(lost).toHaveLength(without === undefined ? 0 : count);
      expect(peer.revokedGrants).toBe(without === undefined ? 0 : count);
    },
    timeoutMs,
  );
});
