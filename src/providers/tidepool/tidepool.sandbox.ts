import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Tidepool as reference/auth.v2.yaml of https://tidepool.redocly.app/tidepool-apis describes it: Keycloak, with access
 * tokens of up to 10 minutes. A refresh brings a new pair, and only the newest refresh token may be used.
 *
 * Assumed:
 * - The client has no secret.
 * - The scopes beside openid and email.
 * - The realm ends offline sessions after 30 days, so `refresh_expires_in` is a number. Without a limit Keycloak
 *   sends 0.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The lifetime of a code.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - The 200 of a revocation, and the path of the data call.
 * - Issuer, algorithm and key path of the ID token.
 */
export const tidepoolSandbox = ofRealm('tidepool', 'https://auth.tidepool.org');

export const tidepoolIntegrationSandbox = ofRealm('integration', 'https://auth.integration.tidepool.org');

function ofRealm(realm: string, host: string): OAuth2SandboxDefinition {
  const endpoints = `/realms/${realm}/protocol/openid-connect`;
  return {
    oauth: '2.0',
    authorizePath: `${endpoints}/auth`,
    tokenPath: `${endpoints}/token`,
    clientAuthentication: 'none',
    pkce: 'supported',
    scopeSeparator: ' ',
    scopes: ['openid', 'email', 'offline_access', 'data_read', 'data_write'],
    issuers: [`${host}/realms/${realm}`],
    scopeInTokenResponse: true,
    codeLifetimeSeconds: 60,
    accessTokenLifetimeSeconds: 600,
    rotation: 'always',
    reuse: 'error',
    oldAccessTokenDiesOnRefresh: false,
    tokenType: 'Bearer',
    tokenResponseExtras: () => ({ refresh_expires_in: 2_592_000, 'not-before-policy': 0 }),
    idToken: { issuer: `${host}/realms/${realm}`, algorithm: 'RS256', jwksPath: `${endpoints}/certs` },
    apiBasePath: '',
    apiPath: '/v1/users',
    revoke: {
      proof: 'client',
      method: 'POST',
      path: `${endpoints}/revoke`,
      status: 200,
    },
  };
}
