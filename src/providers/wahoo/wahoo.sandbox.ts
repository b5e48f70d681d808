import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { wahooSandboxNotification } from './wahoo.sandbox-notification.js';

/**
 * Wahoo Cloud API as https://cloud-api.wahooligan.com/ describes it.
 *
 * Documented and not imitated: the old access token, too, ends when the new one is first used. An eleventh unrevoked
 * access token is refused.
 *
 * Assumed:
 * - The exact names of the write scopes.
 * - Until the new access token is used, a repeated refresh gets the same response. The provider only says that the old
 *   refresh token still works.
 * - A dead token or code gets the error of RFC 6749 section 5.2. Clients also meet an opaque 400, which tells nothing.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - The code's lifetime. A refresh token does not expire.
 * - The account call without `user_read` gets 403.
 */
export const wahooSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: [
    'user_read',
    'user_write',
    'email',
    'workouts_read',
    'workouts_write',
    'power_zones_read',
    'power_zones_write',
    'offline_data',
    'plans_read',
    'plans_write',
    'routes_read',
    'routes_write',
  ],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 7200,
  rotation: 'always',
  reuse: 'error',
  replaysRefreshUntilNewTokenUsed: true,
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/v1/user',
    respond: (accountId) => ({ id: Number(accountId) }),
    scope: 'user_read',
  },
  apiBasePath: '/v1',
  apiPath: '/v1/workouts',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/v1/permissions', status: 204 },
  notify: wahooSandboxNotification,
};
