import { defineProvider, type OAuth2Definition } from '../../src/provider-kit/definition/provider-definition.js';
import { OAuth2ProviderModule } from '../../src/provider-kit/provider-module.js';
import { environmentPrefix } from '../../src/provider-kit/definition/provider-settings.js';
import type { OAuth2SandboxDefinition } from '../../src/provider-kit/definition/sandbox-definition.js';
import type { OidcPeer } from './oidc-peer.js';
import type { PeerClient } from './oidc-server.js';

/*
 * Two providers built as a folder of src/providers is, for an `oidc-provider` of a test. They differ in client
 * authentication. The definitions name a host that cannot exist; the environment moves every endpoint to the peer's
 * port.
 */

/** Scopes that the peer's user may untick. */
export const peerScopes = ['activity', 'sleep'] as const;

/** Nothing talks to it; a definition needs one. */
const sandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/auth',
  tokenPath: '/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: ['openid', 'offline_access', ...peerScopes],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 600,
  rotation: 'always',
  reuse: 'family-revoked',
  oldAccessTokenDiesOnRefresh: false,
  apiPath: '/me',
};

/** Declares the peer as a provider. */
export function definePeer(
  slug: string,
  clientAuthentication: OAuth2Definition['clientAuthentication'],
  further: Partial<OAuth2Definition> = {},
): OAuth2Definition {
  return defineProvider({
    slug,
    displayName: `Peer (${clientAuthentication})`,
    oauth: '2.0',
    lifecycle: { status: 'live' },
    authorizeUrl: 'https://peer.invalid/auth',
    tokenUrl: 'https://peer.invalid/token',
    apiBaseUrl: 'https://peer.invalid',
    defaultScopes: ['openid', 'offline_access', ...peerScopes],
    scopeSeparator: ' ',
    clientAuthentication,
    pkce: 'required',
    // Without it the peer leaves offline_access out (OpenID Connect Core section 11).
    extraAuthorizeParams: { prompt: 'consent' },
    grantedScopesIn: 'token-response',
    accessTokenLifetimeSeconds: undefined,
    account: { from: 'api', url: 'https://peer.invalid/me', field: 'sub' },
    refresh: {
      rotates: 'always',
      reuse: 'family-revoked',
      grace: 'none',
      oldAccessTokenDiesOnRefresh: false,
      timeoutMs: 5_000,
    },
    revocation: { proof: 'client', method: 'POST', url: 'https://peer.invalid/token/revocation' },
    docsUrl: 'https://github.com/panva/node-oidc-provider',
    uncertain: [],
    sandbox,
    ...further,
  });
}

/** Registers `peer-basic`, which authenticates with the Authorization header. */
export const PeerBasicModule = OAuth2ProviderModule(definePeer('peer-basic', 'basic'));

/** Registers `peer-post`, which authenticates in the form. */
export const PeerPostModule = OAuth2ProviderModule(definePeer('peer-post', 'body'));

/** The variables that switch a peer provider on and move its endpoints to the peer. */
export function peerEnvironment(peer: OidcPeer, slug: string, client: PeerClient): Record<string, string> {
  const prefix = environmentPrefix(slug);
  return {
    [`${prefix}_CLIENT_ID`]: client.id,
    [`${prefix}_CLIENT_SECRET`]: client.secret,
    ...(client.key === undefined ? {} : { [`${prefix}_KEY_ID`]: client.key.kid }),
    [`${prefix}_REDIRECT_URL`]: client.redirectUri,
    [`${prefix}_AUTH_URL`]: `${peer.url}/auth`,
    [`${prefix}_TOKEN_URL`]: `${peer.url}/token`,
    [`${prefix}_API_BASE_URL`]: peer.url,
  };
}
