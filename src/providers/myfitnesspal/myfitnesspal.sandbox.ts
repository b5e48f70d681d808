import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * MyFitnessPal API v2 as https://myfitnesspalapi.com/docs describes it.
 *
 * Assumed:
 * - The lifetimes.
 * - PKCE parameters are ignored.
 * - The token response has `user_id` and `scope`.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The form and the 200 of a revocation, and the path of the data call.
 */
export const myfitnesspalSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/v2/oauth2/auth',
  tokenPath: '/v2/oauth2/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['diary', 'measurements', 'private-exercises', 'subscriptions'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: (accountId) => ({ user_id: accountId }),
  apiBasePath: '/v2',
  apiPath: '/v2/diary',
  revoke: { proof: 'client', method: 'POST', path: '/v2/oauth2/revoke', status: 200 },
};
