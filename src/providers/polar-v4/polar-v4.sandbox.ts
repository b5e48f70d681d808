import type { OAuth2SandboxMaker } from '../../provider-kit/sandbox-maker.js';

/**
 * Polar Dynamic API (AccessLink v4) as public clients use it; Polar's own reference was not found.
 *
 * Confirmed by them: the endpoints, Basic authentication, the scopes and that one is mandatory, 43199 seconds.
 *
 * Assumed: that a refresh replaces the refresh token, that a used one is refused without further consequences, that the old access
 * token lives on, the code's lifetime, that PKCE parameters are not looked at, and that the token answer has no scope and no user.
 */
export const polarV4Sandbox: OAuth2SandboxMaker = {
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
    'ppi_data:read',
    'sports:read',
    'tests:read',
    'devices:read',
  ],
  omittedScopeMeansAll: false,
  scopeInTokenAnswer: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 43_199,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  apiBasePath: '/v4/data',
  apiPath: '/v4/data',
};
