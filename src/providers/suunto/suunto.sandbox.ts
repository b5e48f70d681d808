import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { suuntoSandboxNotification } from './suunto.sandbox-notification.js';

/**
 * Suunto Cloud API as https://apizone.suunto.com/how-to-start and public clients describe it.
 *
 * Milder than Suunto: access tokens are no JWTs, and data calls need no `Ocp-Apim-Subscription-Key`. A request without
 * `scope` is accepted as one for `workout`.
 *
 * Assumed:
 * - Every refresh replaces the refresh token. It may also return the same one.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - The token response has no scope.
 * - The path of data calls, and the status of a deauthorization.
 */
export const suuntoSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'basic',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['workout'],
  omittedScopeMeansAll: true,
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: (accountId) => ({ user: accountId }),
  apiBasePath: '',
  apiHeaders: ['Ocp-Apim-Subscription-Key'],
  apiPath: '/v2',
  revoke: {
    proof: 'bearer',
    method: 'GET',
    path: '/oauth/deauthorize',
    query: { client_id: '{clientId}' },
    status: 200,
  },
  notify: suuntoSandboxNotification,
};
