import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Decathlon as its get-started page and public clients describe it: every call of the API needs `x-api-key`.
 *
 * Assumed:
 * - The code's lifetime.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The path of the data call.
 *
 * The ID token of the real service is left out: nothing reads it.
 */
export const decathlonSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/connect/oauth/authorize',
  tokenPath: '/connect/oauth/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: ['openid', 'profile', 'sports_tracking_data', 'sports_tracking_data:write'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 899,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: () => ({ jti: 'not-a-real-jti' }),
  account: {
    path: '/sportstrackingdata/v2/me/',
    respond: (accountId) => ({ id: accountId }),
    headers: ['x-api-key'],
  },
  apiBasePath: '/sportstrackingdata/v2',
  apiHeaders: ['x-api-key'],
  apiPath: '/sportstrackingdata/v2/activities',
};
