import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OAuth2ProviderModule } from '../../src/provider-kit/provider-module.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { pathOf, startLink } from '../support/linking.js';
import { OidcPeer } from '../support/oidc-peer.js';
import type { PeerClient } from '../support/oidc-server.js';
import { definePeer, peerEnvironment, peerScopes } from '../support/peer-provider.js';
import { request } from '../../src/sandbox/testing/request.js';

const slugs = ['peer-iss', 'peer-deaf', 'peer-par-basic', 'peer-par-post', 'peer-key'] as const;
type Slug = (typeof slugs)[number];

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });

function client(slug: Slug): PeerClient {
  const redirectUri = `http://localhost:3000/v1/oauth/${slug}/callback`;
  if (slug === 'peer-key') {
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const key = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1' };
    return { id: slug, secret, authentication: 'private_key_jwt', redirectUri, key };
  }
  const authentication = slug === 'peer-par-basic' ? 'client_secret_basic' : 'client_secret_post';
  return { id: slug, secret: `${slug}-secret %:+`, authentication, redirectUri };
}

const issuing = { issuers: ['https://peer.invalid'], alwaysSendsIssuer: true } as const;
const pushing = { ...issuing, parUrl: 'https://peer.invalid/request' };
const modules = [
  OAuth2ProviderModule(definePeer('peer-iss', 'body', issuing)),
  // Knows no issuer, as most providers document none.
  OAuth2ProviderModule(definePeer('peer-deaf', 'body')),
  OAuth2ProviderModule(definePeer('peer-par-basic', 'basic', pushing)),
  OAuth2ProviderModule(definePeer('peer-par-post', 'body', pushing)),
  OAuth2ProviderModule(
    definePeer('peer-key', 'body', { ...pushing, clientAssertion: { algorithms: ['ES384'], audience: 'issuer' } }),
  ),
];

/** `oidc-provider` sends `iss` with every callback, and can insist on pushed requests. */
describe('an authorization server with an issuer and pushed requests', () => {
  let open: OidcPeer;
  let strict: OidcPeer;
  let application: TestApplication;
  let users = 0;

  beforeAll(async () => {
    const options = { clients: slugs.map(client), scopes: peerScopes, accessTokenLifetimeSeconds: 900 };
    open = await OidcPeer.start(options);
    strict = await OidcPeer.start({ ...options, requirePushedRequests: true });
    application = await startApplication({
      modules,
      environment: {
        ...peerEnvironment(open, 'peer-iss', client('peer-iss')),
        PEER_ISS_ISSUER: open.url,
        ...peerEnvironment(open, 'peer-deaf', client('peer-deaf')),
        ...peerEnvironment(strict, 'peer-par-basic', client('peer-par-basic')),
        PEER_PAR_BASIC_ISSUER: strict.url,
        PEER_PAR_BASIC_PAR_URL: `${strict.url}/request`,
        ...peerEnvironment(strict, 'peer-par-post', client('peer-par-post')),
        PEER_PAR_POST_ISSUER: strict.url,
        PEER_PAR_POST_PAR_URL: `${strict.url}/request`,
        ...peerEnvironment(strict, 'peer-key', client('peer-key')),
        PEER_KEY_ISSUER: strict.url,
        PEER_KEY_PAR_URL: `${strict.url}/request`,
      },
    });
  });
  afterAll(async () => {
    await application.close();
    await open.stop();
    await strict.stop();
  });
  beforeEach(() => {
    open.forget();
    strict.forget();
  });

  function newUser(): string {
    users += 1;
    return `user-${users}`;
  }

  async function approved(slug: Slug, peer: OidcPeer): Promise<{ user: string; callback: URL }> {
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, slug);
    return { user, callback: await peer.consent(linkWebUrl) };
  }

  it('takes a signed assertion for the pushed request, the code, each refresh and the revocation (AR-21)', async () => {
    const { user, callback } = await approved('peer-key', strict);
    await application.browser.get(pathOf(callback)).expect(200);
    const connection = `/v1/users/${user}/connections/peer-key`;

    await application.api.post(`${connection}/refresh`).expect(200);
    await application.api.delete(connection).expect(200);

    expect(strict.tokenRequests).toMatchObject([
      { grantType: 'authorization_code', authentication: [], status: 200 },
      { grantType: 'refresh_token', authentication: [], status: 200 },
    ]);
    expect(strict.revokedGrants).toBe(1);
  });

  describe('the issuer of a callback', () => {
    it('is taken when it is the very one that is expected (AR-08)', async () => {
      const { callback } = await approved('peer-iss', open);
      expect(callback.searchParams.get('iss')).toBe(open.url);
      await application.browser.get(pathOf(callback)).expect(200);
      expect(open.requestsOf('authorization_code')).toHaveLength(1);
    });

    it.each([
      ['another one', () => 'https://evil.example'],
      ['with a slash behind it', (iss: string) => `${iss}/`],
      ['in capitals', (iss: string) => iss.replace('http', 'HTTP')],
      ['with its address written in another way', (iss: string) => iss.replace('127.0.0.1', '127.1')],
      ['empty', () => ''],
      ['missing', () => undefined],
    ])('is refused when it is %s, also with an error, and the server is not asked (AR-08)', async (_what, change) => {
      for (const withError of [false, true]) {
        const { user, callback } = await approved('peer-iss', open);
        const issuer = change(callback.searchParams.get('iss') ?? '');
        callback.searchParams.delete('iss');
        if (issuer !== undefined) {
          callback.searchParams.set('iss', issuer);
        }
        if (withError) {
          callback.searchParams.delete('code');
          callback.searchParams.set('error', 'access_denied');
        }

        const response = await application.browser.get(pathOf(callback)).expect(403);

        expect(response.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
        expect(open.tokenRequests).toEqual([]);
        await application.api.get(`/v1/users/${user}/connections/peer-iss`).expect(404);
      }
    });

    it('with the defense off (no issuer is known) is not looked at, and the code is sent away (AR-08)', async () => {
      const { callback } = await approved('peer-deaf', open);
      callback.searchParams.set('iss', 'https://evil.example');

      await application.browser.get(pathOf(callback)).expect(200);

      expect(open.requestsOf('authorization_code')).toHaveLength(1);
    });

    it.each([
      ['peer-iss', 'peer-deaf'],
      ['peer-deaf', 'peer-iss'],
    ] as const)(
      "COAT: %s's code is not redeemed on the path of %s, with either state (AR-09)",
      async (first, second) => {
        const mine = await approved(first, open);
        const theirs = await approved(second, open);
        const swapped = new URL(mine.callback);
        swapped.pathname = theirs.callback.pathname;

        await application.browser.get(pathOf(swapped)).expect(403);
        expect(open.tokenRequests).toEqual([]);
        await application.api.get(`/v1/users/${theirs.user}/connections/${second}`).expect(404);
        await application.api.get(`/v1/users/${mine.user}/connections/${first}`).expect(404);
      },
    );

    it('COAT: a code of another server, delivered with the state and on the path of this one, is refused by its issuer (AR-09)', async () => {
      const mine = await approved('peer-iss', open);
      const theirs = await approved('peer-par-post', strict);
      const swapped = new URL(mine.callback);
      swapped.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
      swapped.searchParams.set('iss', theirs.callback.searchParams.get('iss') ?? '');

      await application.browser.get(pathOf(swapped)).expect(403);

      expect([...open.tokenRequests, ...strict.tokenRequests]).toEqual([]);
    });
  });

  describe.each(['peer-par-basic', 'peer-par-post'] as const)('a pushed authorisation request (%s)', (slug) => {
    it('leaves the browser two parameters, and is redeemed (AR-20)', async () => {
      const user = newUser();
      const { linkWebUrl, state } = await startLink(application, user, slug);
      const { searchParams } = new URL(linkWebUrl);
      expect([...searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
      expect(searchParams.get('client_id')).toBe(slug);
      expect(linkWebUrl).not.toContain(state);

      const callback = await strict.consent(linkWebUrl);
      expect(callback.searchParams.get('state')).toBe(state);
      await application.browser.get(pathOf(callback)).expect(200);
      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    });

    it('works once: the server refuses its reference afterwards, and a new link pushes a new one (AR-20)', async () => {
      const { linkWebUrl } = await startLink(application, newUser(), slug);
      await application.browser.get(pathOf(await strict.consent(linkWebUrl))).expect(200);

      const again = await request(linkWebUrl);
      await again.body.dump();
      expect(String(again.headers['location'])).toContain('error=invalid_request_uri');
      const next = await startLink(application, newUser(), slug);
      expect(new URL(next.linkWebUrl).searchParams.get('request_uri')).not.toBe(
        new URL(linkWebUrl).searchParams.get('request_uri'),
      );
    });
  });

  it('ends a link that nobody has opened yet when the pushed request ends (AR-20)', async () => {
    const lifeOf = async (slug: string): Promise<number> => {
      const path = `/v1/users/${newUser()}/connections/${slug}/link`;
      const response = await application.api.post(path).expect(201);
      return Date.parse((response.body as { expires_at: string }).expires_at) - Date.now();
    };
    const pushedSeconds = 60;
    expect(await lifeOf('peer-par-post')).toBeLessThan((pushedSeconds + 1) * 1_000);
    expect(await lifeOf('peer-deaf')).toBeGreaterThan((pushedSeconds + 1) * 1_000);
  });

  it('is required by that server: parameters in the browser are refused (AR-20)', async () => {
    const { linkWebUrl } = await startLink(application, newUser(), 'peer-iss');
    const url = new URL(linkWebUrl);
    const plain = await request(`${strict.url}/auth${url.search}`);
    const text = await plain.body.text();
    expect([text, String(plain.headers['location'])].join(' ')).toMatch(/Pushed Authorization Request|invalid_request/);
  });

  it('blames the operator when the server refuses the pushed request (AR-20)', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const environment = peerEnvironment(strict, 'peer-par-post', client('peer-par-post'));
    const wrong = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      modules: modules.slice(3),
      environment: { ...environment, PEER_PAR_POST_CLIENT_SECRET: 'x', PEER_PAR_POST_PAR_URL: `${strict.url}/request` },
    });
    try {
      const response = await wrong.api.post(`/v1/users/${newUser()}/connections/peer-par-post/link`).expect(500);
      expect(response.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', act: 'operator' });
    } finally {
      await wrong.close();
    }
  });
});
