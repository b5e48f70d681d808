import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { pathOf, startLink } from '../support/linking.js';
import { OidcPeer, type PeerConsent } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { PeerBasicModule, peerEnvironment, PeerPostModule, peerScopes } from '../support/peer-provider.js';
import { passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { resetCircuitBreakers } from '../support/subject.js';

const lifetimeSeconds = 900;

/**
 * Every printable character that one of the encodings on the way treats specially. `ü` of TE-01 is missing: client ids
 * and secrets are printable ASCII (RFC 6749 appendix A.1 and A.2), and the peer refuses anything else. `%41` becomes
 * `A` when nobody encodes.
 */
const secret = `a:b%+ &=%41?#/"'<>~\\!*()|;,@$`;
const clients = {
  'peer-basic': client('peer-basic', 'client_secret_basic'),
  'peer-post': client('peer-post', 'client_secret_post'),
} as const;
const slugs = ['peer-basic', 'peer-post'] as const;
type Slug = (typeof slugs)[number];

function client(slug: string, authentication: PeerClient['authentication']): PeerClient {
  const redirectUri = `http://localhost:3000/v1/oauth/${slug}/callback`;
  return { id: `${slug}:%2B+ &`, secret: `${slug} ${secret}`, authentication, redirectUri };
}

function connectionPath(userId: string, slug: Slug): string {
  return `/v1/users/${userId}/connections/${slug}`;
}

function tokenPath(userId: string, slug: Slug): string {
  return `${connectionPath(userId, slug)}/token`;
}

interface TokenBody {
  readonly access_token: string;
  readonly expires_at: string;
  readonly scopes: string[];
}

interface ConnectionRow {
  readonly status: string;
  readonly secret_gen: number;
  readonly sealed: Buffer;
  readonly suspect_since: Date | null;
}

describe('an independent OAuth 2.0 server as the provider', () => {
  let peer: OidcPeer;
  /** Two instances of the service on one database. */
  let first: TestApplication;
  let second: TestApplication;

  beforeAll(async () => {
    peer = await OidcPeer.start({
      clients: Object.values(clients),
      scopes: peerScopes,
      accessTokenLifetimeSeconds: lifetimeSeconds,
    });
    first = await startInstance();
    second = await startInstance(shared());
  });
  afterAll(async () => {
    await second.close();
    await first.close();
    await peer.stop();
  });
  beforeEach(async () => {
    peer.forget();
    // One test after the other has the peer refuse: together they would look like an outage.
    await resetCircuitBreakers(first);
  });

  function startInstance({ environment, ...options }: ApplicationOptions = {}): Promise<TestApplication> {
    const settings = Object.assign({}, ...slugs.map((slug) => peerEnvironment(peer, slug, clients[slug]))) as object;
    return startApplication({
      modules: [PeerBasicModule, PeerPostModule],
      environment: { ...settings, ...environment },
      ...options,
    });
  }

  /** Options of a further instance of the same service. */
  function shared(): ApplicationOptions {
    const { databaseUrl, rootKey, sandbox, clock } = first;
    return { databaseUrl, rootKey, sandbox, clock };
  }

  /** Starts an instance for one test only. */
  async function withInstance(
    options: ApplicationOptions,
    use: (instance: TestApplication) => Promise<void>,
  ): Promise<void> {
    const instance = await startInstance({ ...shared(), ...options });
    try {
      await use(instance);
    } finally {
      await instance.close();
    }
  }

  /** Links a new user and returns the user's id. */
  async function link(slug: Slug, choice: PeerConsent = {}): Promise<string> {
    const userId = randomUUID();
    const { linkWebUrl } = await startLink(first, userId, slug);
    await first.browser.get(pathOf(await peer.consent(linkWebUrl, choice))).expect(200);
    return userId;
  }

  async function readToken(userId: string, slug: Slug, instance = first): Promise<TokenBody> {
    return (await instance.api.get(tokenPath(userId, slug)).expect(200)).body as TokenBody;
  }

  async function expectTokenProblem(userId: string, slug: Slug, status: number, code: string): Promise<void> {
    const response = await first.api.get(tokenPath(userId, slug)).expect(status);
    expect(response.body).toMatchObject({ code });
  }

  async function connection(userId: string, slug: Slug): Promise<unknown> {
    return (await first.api.get(connectionPath(userId, slug)).expect(200)).body;
  }

  async function row(userId: string): Promise<ConnectionRow> {
    const [found] = await queryDatabase<ConnectionRow>(
      first.databaseUrl,
      'SELECT status, secret_gen, sealed, suspect_since FROM connections WHERE user_id = $1',
      [userId],
    );
    if (found === undefined) {
      throw new Error('There is no such connection.');
    }
    return found;
  }

  /** Lets the pause after a failed refresh be over, and the failure be older than the time that confirms it. */
  async function letPausePass(userId: string): Promise<void> {
    const columns = ['suspect_since', 'retry_at'];
    await passTimeInRows(first.databaseUrl, 'connections', columns, 2 * 3_600, { user_id: userId });
    await resetCircuitBreakers(first);
  }

  /** Makes every access token issued so far look expired to the service. */
  function letTokensExpire(): void {
    first.clock.advance((lifetimeSeconds + 1) * 1_000);
  }

  /** Many readers at both instances at once; returns the different tokens they got. */
  async function readEverywhere(userId: string, slug: Slug, readers: number): Promise<Set<string>> {
    const reads = Array.from({ length: readers }, (_, index) =>
      readToken(userId, slug, index % 2 === 0 ? first : second),
    );
    return new Set((await Promise.all(reads)).map((token) => token.access_token));
  }

  /** Refreshes once, then presents the refresh token that was rotated out: the peer ends the whole grant. */
  async function provokeRevocation(userId: string, slug: Slug): Promise<void> {
    const spent = peer.lastRefreshToken;
    letTokensExpire();
    await readToken(userId, slug);
    expect(peer.lastRefreshToken).not.toBe(spent);
    expect(await peer.presentRefreshToken(clients[slug], spent)).toEqual({ status: 400, error: 'invalid_grant' });
    expect(peer.revokedGrants).toBe(1);
    peer.forget();
  }

  /** Proves that nothing was revoked and that the stored refresh token still works. */
  async function expectAlive(userId: string, slug: Slug): Promise<void> {
    expect(peer.revokedGrants).toBe(0);
    letTokensExpire();
    const { access_token: token } = await readToken(userId, slug);
    expect(await peer.userinfo(token)).toMatchObject({ status: 200 });
  }

  describe('the peer itself', () => {
    it('refuses Basic credentials that are not form-encoded (TE-01)', async () => {
      const { id, secret } = clients['peer-basic'];
      const naive = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
      const request = { grant_type: 'refresh_token', refresh_token: 'none' };
      expect((await peer.postToken(clients['peer-basic'], request, naive)).error).toMatch(/^invalid_(client|request)$/);
      expect((await peer.postToken(clients['peer-basic'], request)).error).toBe('invalid_grant');
    });

    it('revokes the grant when a code is redeemed twice (AR-22)', async () => {
      const { redirectUri } = clients['peer-basic'];
      const verifier = randomBytes(32).toString('base64url');
      const url = new URL((await startLink(first, randomUUID(), 'peer-basic')).linkWebUrl);
      url.searchParams.set('code_challenge', createHash('sha256').update(verifier).digest('base64url'));
      const code = (await peer.consent(url.href)).searchParams.get('code') ?? '';
      const redemption = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      };
      expect(await peer.postToken(clients['peer-basic'], redemption)).toMatchObject({ status: 200 });
      expect(await peer.postToken(clients['peer-basic'], redemption)).toEqual({ status: 400, error: 'invalid_grant' });
      expect(peer.revokedGrants).toBe(1);
    });

    it.each(slugs)(
      'refuses %s an authorization request without a challenge or with a plain one (AR-06)',
      async (slug) => {
        for (const change of [
          (url: URL) => (url.searchParams.delete('code_challenge'), url.searchParams.delete('code_challenge_method')),
          (url: URL) => url.searchParams.set('code_challenge_method', 'plain'),
        ]) {
          const url = new URL((await startLink(first, randomUUID(), slug)).linkWebUrl);
          change(url);
          expect((await peer.consent(url.href)).searchParams.get('error')).toBe('invalid_request');
        }
      },
    );
  });

  describe.each(slugs)('%s', (slug) => {
    it('links with PKCE and issues a token that works at the peer (AR-06, TE-01)', async () => {
      const userId = randomUUID();
      const { linkWebUrl } = await startLink(first, userId, slug);
      const asked = new URL(linkWebUrl).searchParams;
      expect(asked.get('code_challenge_method')).toBe('S256');
      expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
      const other = new URL((await startLink(first, userId, slug)).linkWebUrl).searchParams;
      expect(other.get('code_challenge')).not.toBe(asked.get('code_challenge'));
      const callback = await peer.consent(linkWebUrl, { account: 'account-7' });
      await first.browser.get(pathOf(callback)).expect(200);

      const token = await readToken(userId, slug);
      expect(token.scopes).toEqual(['openid', 'offline_access', ...peerScopes]);
      expect(await peer.userinfo(token.access_token)).toEqual({ status: 200, account: 'account-7' });
      expect(await connection(userId, slug)).toMatchObject({ status: 'active', scopes_missing: [] });
      expect(peer.tokenRequests).toMatchObject([
        { grantType: 'authorization_code', authentication: [slug === 'peer-basic' ? 'basic' : 'body'], status: 200 },
      ]);
    });

    it('shows the scopes that the user did not grant (AR-17)', async () => {
      const userId = await link(slug, { scopes: ['openid', 'offline_access', 'sleep'] });
      expect(await connection(userId, slug)).toMatchObject({
        scopes_granted: ['openid', 'offline_access', 'sleep'],
        scopes_missing: ['activity'],
      });
      expect(await readToken(userId, slug)).toMatchObject({ scopes: ['openid', 'offline_access', 'sleep'] });
    });

    it('reports that the user denied consent, without a token request', async () => {
      const { linkWebUrl } = await startLink(first, randomUUID(), slug);
      const callback = await peer.consent(linkWebUrl, { decision: 'deny' });
      const denied = await first.browser.get(pathOf(callback)).expect(403);
      expect(denied.body).toMatchObject({ code: 'AUTHORIZATION_DENIED' });
      expect(peer.tokenRequests).toEqual([]);
    });

    it('reports a refused verifier and does not redeem the code again (AR-06, AR-22)', async () => {
      const userId = randomUUID();
      const { linkWebUrl } = await startLink(first, userId, slug);
      const url = new URL(linkWebUrl);
      const strange = createHash('sha256').update(randomBytes(32).toString('base64url')).digest('base64url');
      url.searchParams.set('code_challenge', strange);
      const callback = pathOf(await peer.consent(url.href));

      const refused = await first.browser.get(callback).expect(403);
      expect(refused.body).toMatchObject({ code: 'AUTHORIZATION_CODE_REFUSED' });
      const again = await first.browser.get(callback).expect(403);
      expect(again.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
      expect(peer.tokenRequests).toMatchObject([{ status: 400, error: 'invalid_grant' }]);
      await first.api.get(connectionPath(userId, slug)).expect(404);
    });

    it('redeems a callback that arrives 50 times at two instances once, and the grant lives (AR-02, AR-22, R-18)', async () => {
      const userId = randomUUID();
      const { linkWebUrl } = await startLink(first, userId, slug);
      const callback = pathOf(await peer.consent(linkWebUrl));
      peer.delayTokenRequests(100);
      const responses = await Promise.all(
        Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? first : second).browser.get(callback)),
      );
      const bodies = responses.map((response) => response.body as { success?: true; code?: string });
      expect(bodies.filter((body) => body.success === true)).toHaveLength(1);
      expect(bodies.filter((body) => body.code === 'AUTHORIZATION_STATE_INVALID')).toHaveLength(49);
      expect(peer.tokenRequests).toHaveLength(1);
      await expectAlive(userId, slug);
    });

    it('keeps a connection alive over many refreshes, each one request with the token issued last', async () => {
      const userId = await link(slug);
      const issued = new Set([peer.lastRefreshToken]);
      const tokens = new Set([(await readToken(userId, slug)).access_token]);
      for (let round = 1; round <= 6; round += 1) {
        letTokensExpire();
        const { access_token: token } = await readToken(userId, slug);
        expect(await peer.userinfo(token)).toMatchObject({ status: 200 });
        expect(peer.requestsOf('refresh_token')).toHaveLength(round);
        issued.add(peer.lastRefreshToken);
        tokens.add(token);
      }
      expect([issued.size, tokens.size]).toEqual([7, 7]);
      for (const refresh of peer.requestsOf('refresh_token')) {
        expect(refresh).toMatchObject({ status: 200, authentication: [slug === 'peer-basic' ? 'basic' : 'body'] });
      }
      expect(peer.revokedGrants).toBe(0);
    });

    it('refreshes once for twenty readers of an expired token, and the grant lives (R-03)', async () => {
      const userId = await link(slug);
      peer.delayTokenRequests(100);
      letTokensExpire();
      const tokens = await Promise.all(Array.from({ length: 20 }, () => readToken(userId, slug)));
      expect(new Set(tokens.map((token) => token.access_token)).size).toBe(1);
      expect(peer.requestsOf('refresh_token')).toHaveLength(1);
      await expectAlive(userId, slug);
    });

    it('refreshes once per expiry for two instances while the peer is slow, and the grant lives (R-03)', async () => {
      const userId = await link(slug);
      peer.delayTokenRequests(200);
      for (let round = 1; round <= 6; round += 1) {
        letTokensExpire();
        const tokens = await readEverywhere(userId, slug, 10);
        expect(tokens.size).toBe(1);
        expect(peer.requestsOf('refresh_token')).toHaveLength(round);
      }
      await expectAlive(userId, slug);
    });

    it('reports the first refusal of a refresh token as pending, since it is not confirmed yet (R-13)', async () => {
      const userId = await link(slug);
      await provokeRevocation(userId, slug);
      letTokensExpire();
      await expectTokenProblem(userId, slug, 503, 'TOKEN_REFRESH_PENDING');
    });

    it('gives a connection up only when the peer has refused its revoked grant twice (R-13, R-14)', async () => {
      const userId = await link(slug);
      await provokeRevocation(userId, slug);
      letTokensExpire();
      await first.api.get(tokenPath(userId, slug));
      expect(await connection(userId, slug)).toMatchObject({
        status: 'active',
        needs_relink: false,
        last_error: { code: 'TOKEN_REVOKED' },
      });
      await expectTokenProblem(userId, slug, 503, 'TOKEN_REFRESH_PENDING');
      expect(peer.tokenRequests).toMatchObject([{ error: 'invalid_grant' }]);

      await letPausePass(userId);
      await expectTokenProblem(userId, slug, 409, 'TOKEN_REVOKED');
      expect(await connection(userId, slug)).toMatchObject({ status: 'needs_relink', needs_relink: true });
      await expectTokenProblem(userId, slug, 409, 'TOKEN_REVOKED');
      expect(peer.tokenRequests).toHaveLength(2);
    });

    it('works again after a new link of a lost connection', async () => {
      const userId = await link(slug);
      await provokeRevocation(userId, slug);
      letTokensExpire();
      await first.api.get(tokenPath(userId, slug));
      await letPausePass(userId);
      await expectTokenProblem(userId, slug, 409, 'TOKEN_REVOKED');

      peer.forget();
      const { linkWebUrl } = await startLink(first, userId, slug);
      await first.browser.get(pathOf(await peer.consent(linkWebUrl))).expect(200);
      expect(await connection(userId, slug)).toMatchObject({ status: 'active', last_error: null });
      await expectAlive(userId, slug);
    });

    it('loses the grant with the lease between instances switched off (R-03)', async () => {
      const userId = await link(slug);
      const everyLease: Pick<RefreshLeases, 'acquire' | 'release'> = {
        acquire: async () => ({ id: randomUUID(), takenAtMs: performance.now(), isTrial: false }),
        release: async () => undefined,
      };
      const override: ApplicationOptions['override'] = (builder) =>
        builder.overrideProvider(RefreshLeases).useValue(everyLease);
      await withInstance({ override }, (left) =>
        withInstance({ override }, async (right) => {
          letTokensExpire();
          peer.holdTokenRequests(2);
          const path = tokenPath(userId, slug);
          await Promise.all([left.api.get(path), right.api.get(path)]);
        }),
      );
      expect(peer.requestsOf('refresh_token').map((each) => each.error)).toEqual([undefined, 'invalid_grant']);
      expect(peer.revokedGrants).toBe(1);

      peer.forget();
      letTokensExpire();
      await first.api.get(tokenPath(userId, slug));
      await letPausePass(userId);
      await expectTokenProblem(userId, slug, 409, 'TOKEN_REVOKED');
      expect(peer.requestsOf('refresh_token').map((each) => each.error)).toEqual(['invalid_grant', 'invalid_grant']);
    });

    it('ends the grant at the peer when the user is unlinked', async () => {
      const userId = await link(slug);
      const { access_token: token } = await readToken(userId, slug);
      const refreshToken = peer.lastRefreshToken;
      const unlinked = await first.api.delete(connectionPath(userId, slug)).expect(200);
      expect(unlinked.body).toEqual({ disconnected: true, provider_revocation: 'revoked' });
      expect(peer.revokedGrants).toBe(1);
      expect(await peer.presentRefreshToken(clients[slug], refreshToken)).toEqual({
        status: 400,
        error: 'invalid_grant',
      });
      expect(await peer.userinfo(token)).toMatchObject({ status: 401 });
      await first.api.get(tokenPath(userId, slug)).expect(404);
    });

    it('blames a wrong client secret on the operator and leaves the connection unchanged (R-13)', async () => {
      const userId = await link(slug);
      const before = await row(userId);
      letTokensExpire();
      peer.forget();
      const wrong = peerEnvironment(peer, slug, { ...clients[slug], secret: 'wrong' });
      await withInstance({ environment: wrong }, async (misconfigured) => {
        const read = await misconfigured.api.get(tokenPath(userId, slug)).expect(500);
        expect(read.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });

        const newcomer = randomUUID();
        const { linkWebUrl } = await startLink(misconfigured, newcomer, slug);
        const linked = await misconfigured.browser.get(pathOf(await peer.consent(linkWebUrl))).expect(500);
        expect(linked.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
        await misconfigured.api.get(connectionPath(newcomer, slug)).expect(404);
      });
      expect(peer.tokenRequests.map((each) => each.error)).toEqual(['invalid_client', 'invalid_client']);
      expect(await row(userId)).toEqual(before);
      expect(await connection(userId, slug)).toMatchObject({
        status: 'active',
        last_error: { code: 'PROVIDER_MISCONFIGURED' },
      });

      await letPausePass(userId);
      await expectAlive(userId, slug);
    });
  });
});
