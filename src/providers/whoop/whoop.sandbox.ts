import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { whoopSandboxNotification } from './whoop.sandbox-notification.js';

/**
 * WHOOP as https://developer.whoop.com/docs/developing/oauth describes it.
 *
 * Assumed:
 * - The reuse of a refresh token revokes the whole grant.
 * - The code's lifetime is the longest that RFC 6749 section 4.1.2 recommends.
 * - PKCE parameters are ignored.
 * - A refresh without `scope` is refused.
 * - The account call without `read:profile` gets 403.
 */
export const whoopSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/oauth2/auth',
  tokenPath: '/oauth/oauth2/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: [
    'offline',
    'read:recovery',
    'read:cycles',
    'read:sleep',
    'read:workout',
    'read:profile',
    'read:body_measurement',
  ],
  stateMinimumLength: 8,
  refreshTokenNeedsScope: 'offline',
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'family-revoked',
  oldAccessTokenDiesOnRefresh: true,
  scopeOnRefresh: 'offline',
  account: {
    path: '/developer/v2/user/profile/basic',
    respond: (accountId) => ({ user_id: Number(accountId), email: 'sandbox@example.test', first_name: 'Sandbox' }),
    scope: 'read:profile',
  },
  apiBasePath: '/developer/v2',
  apiPath: '/developer/v2/cycle',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/developer/v2/user/access', status: 204 },
  notify: whoopSandboxNotification,
};
