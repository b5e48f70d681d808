import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Ultrahuman's partner API as https://vision.ultrahuman.com/developer-docs describes it.
 *
 * Assumed:
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The 200 of a revocation, and the path of the data call.
 * - The account call without `profile` gets 403.
 */
export const ultrahumanSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/authorise',
  tokenPath: '/api/partners/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['profile', 'ring_data', 'cgm_data'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 604_800,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/api/partners/v1/user_data/user_info',
    respond: (accountId) => ({ user_id: accountId }),
    scope: 'profile',
  },
  apiBasePath: '/api/partners/v1',
  apiPath: '/api/partners/v1/user_data/metrics',
  revoke: { proof: 'client', method: 'POST', path: '/api/partners/oauth/revoke', status: 200 },
};
