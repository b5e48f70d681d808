import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { hammerheadSandboxNotification } from './hammerhead.sandbox-notification.js';

/**
 * Hammerhead as https://api.hammerhead.io/v1/docs/openapi.yml describes it.
 *
 * Assumed:
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - The token response has `scope`.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The path of the data call, and the 200 of a deauthorization.
 */
export const hammerheadSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/v1/auth/oauth/authorize',
  tokenPath: '/v1/auth/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['activity:read', 'route:read', 'route:write', 'workout:write', 'metrics:write'],
  userPicksScopes: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 52_000,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: (accountId) => ({ user_id: accountId }),
  apiBasePath: '/v1/api',
  apiPath: '/v1/api/activities',
  revoke: { proof: 'client', method: 'POST', path: '/v1/auth/oauth/deauthorize', status: 200 },
  notify: hammerheadSandboxNotification,
};
