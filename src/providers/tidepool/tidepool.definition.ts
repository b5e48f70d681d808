import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { tidepoolIntegrationSandbox, tidepoolSandbox } from './tidepool.sandbox.js';

/** Tidepool, OAuth 2.0 with OpenID Connect by Keycloak, as a public client. */
export const tidepoolDefinition = defineProvider({
  slug: 'tidepool',
  displayName: 'Tidepool',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/auth',
  tokenUrl: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/token',
  servers: {
    production: {},
    integration: {
      authorizeUrl: 'https://auth.integration.tidepool.org/realms/integration/protocol/openid-connect/auth',
      tokenUrl: 'https://auth.integration.tidepool.org/realms/integration/protocol/openid-connect/token',
      apiBaseUrl: 'https://external.integration.tidepool.org',
      issuers: ['https://auth.integration.tidepool.org/realms/integration'],
      account: {
        from: 'id-token',
        jwksUrl: 'https://auth.integration.tidepool.org/realms/integration/protocol/openid-connect/certs',
      },
      revocation: {
        proof: 'client',
        method: 'POST',
        url: 'https://auth.integration.tidepool.org/realms/integration/protocol/openid-connect/revoke',
      },
      sandbox: tidepoolIntegrationSandbox,
    },
  },
  apiBaseUrl: 'https://api.tidepool.org',
  defaultScopes: ['openid', 'email', 'offline_access', 'data_read'],
  scopeSeparator: ' ',
  clientAuthentication: 'none',
  pkce: 'supported',
  issuers: ['https://auth.tidepool.org/realms/tidepool'],
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 600,
  refreshExpiresInField: 'refresh_expires_in',
  account: {
    from: 'id-token',
    jwksUrl: 'https://auth.tidepool.org/realms/tidepool/protocol/openid-connect/certs',
  },
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
  docsUrl: 'https://tidepool.redocly.app/tidepool-apis',
  uncertain: [
    'The specification shows clients with a secret in the form; a public one, without a secret, is assumed.',
    'The scopes data_read and offline_access come from another application; the specification lists openid and email only.',
    'The life of a refresh token is a setting of the realm and not published.',
    'The effect of a second use of a refresh token, and the fate of the old access token; the strictest is assumed.',
    'That refresh_expires_in is sent, and 0 for offline tokens, is what Keycloak does everywhere.',
    'Issuer and address of the keys are where Keycloak has them for this realm; the specification does not write them down.',
    'Whether the token response reports the granted scopes; they are read if it does.',
  ],
  sandbox: tidepoolSandbox,
});
