import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Polar Dynamic API (AccessLink v4) as https://www.polar.com/polar-api-v4/ and its swagger.yaml describe it. It takes
 * Basic authentication and needs a scope. The token response has 43199 seconds, the granted scopes and a `jti`. No call
 * ends a grant.
 *
 * Assumed:
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 */
export const polarV4Sandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  tellsNoUserId: true,
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'basic',
  pkce: 'ignored',
  scopeSeparator: ' ',
  // Without `accesslink.read_all`, the scope of v3, which fails here.
  scopes: [
    'activity:read',
    'sleep:read',
    'nightly_recharge:read',
    'continuous_samples:read',
    'training_sessions:read',
    'profile:read',
    'calendar:read',
    'devices:read',
    'ppi_data:read',
    'routes:read',
    'skin_contact:read',
    'sports:read',
    'tests:read',
  ],
  omittedScopeMeansAll: false,
  userPicksScopes: true,
  scopeInTokenResponse: true,
  tokenResponseExtras: () => ({ jti: 'not-a-real-jti' }),
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 43_199,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  apiBasePath: '/v4/data',
  apiPath: '/v4/data',
};
