import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { wahooSandboxNotification } from './wahoo.sandbox-notification.js';

/**
 * Wahoo Cloud API as https://cloud-api.wahooligan.com/ describes it.
 *
 * Documented and not imitated: that the old access token, too, ends when the new one is first used, and that an
 * eleventh unrevoked access token is refused.
 *
 * Assumed: the exact names of the write scopes, the same response to a repeated refresh until then (the provider only
 * says that the old refresh token still works), that a dead token or code is told as RFC 6749 section 5.2 says (an
 * opaque 400 is also met, and tells nothing), `scope` in the token response (RFC 6749 section 5.1), the code's
 * lifetime, that a refresh token has no end, and the 403 for the account call without `user_read`.
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
