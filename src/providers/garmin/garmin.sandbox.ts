import { randomUUID } from 'node:crypto';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { garminSandboxNotification } from './garmin.sandbox-notification.js';

/**
 * Garmin Connect over OAuth 2.0, as the Garmin Connect Developer Program's guide and public clients describe it.
 *
 * Assumed:
 * - The code's lifetime, and the 204 of a deregistration.
 * - A used refresh token is refused without further consequences.
 *
 * `redirect_uri` and `state`, optional at Garmin, are required here, because Cufflink always sends them.
 */
export const garminSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2Confirm',
  tokenPath: '/di-oauth2-service/oauth/token',
  clientAuthentication: 'body',
  pkce: 'required',
  scopeSeparator: ' ',
  // Permissions are set on the app and toggled by the user; there is no scope parameter.
  scopes: [],
  // Says nothing about what the user allowed.
  scopeInTokenResponse: { constant: 'PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE' },
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  refreshTokenLifetimeSeconds: 7_775_998,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: () => ({ jti: randomUUID() }),
  account: { path: '/wellness-api/rest/user/id', respond: (accountId) => ({ userId: accountId }) },
  apiBasePath: '/wellness-api/rest',
  apiPath: '/wellness-api/rest/dailies',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/wellness-api/rest/user/registration', status: 204 },
  notify: garminSandboxNotification,
};
