import { defineProvider } from '../../provider-kit/provider-definition.js';
import { tidepoolSandbox } from './tidepool.sandbox.js';

/** Tidepool, OAuth 2.0 with OpenID Connect by Keycloak, as a public client. */
export const tidepoolDefinition = defineProvider({
  slug: 'tidepool',
  displayName: 'Tidepool',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/auth',
  tokenUrl: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/token',
  apiBaseUrl: 'https://api.tidepool.org',
  defaultScopes: ['openid', 'email', 'offline_access', 'data_read'],
  scopeSeparator: ' ',
  clientAuthentication: 'none',
  pkce: 'supported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  refreshExpiresInField: 'refresh_expires_in',
  account: { from: 'id-token', issuer: undefined },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: {
    proof: 'client',
    method: 'POST',
    url: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/revoke',
  },
  docsUrl: 'https://github.com/tidepool-org/TidepoolApi',
  uncertain: [
    'Whether a client with a secret is issued on request; a public one is assumed.',
    'The lives of the tokens (access tokens live minutes) are settings of the realm and not published.',
    'Whether a refresh replaces the refresh token, what a second use does, and what becomes of the old access token; the strictest is assumed.',
    'That refresh_expires_in is sent, and 0 for offline tokens, is what Keycloak does everywhere.',
    'The issuer of the ID token and its keys are not written down; the ID token is believed because it comes over TLS.',
    'Whether the token answer tells the granted scopes; they are read where it does.',
  ],
  sandbox: tidepoolSandbox,
});
