import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { suuntoSandboxNotification } from './suunto.sandbox-notification.js';

/**
 * Suunto Cloud API as https://apizone.suunto.com/how-to-start and public clients describe it.
 *
 * Milder than Suunto: access tokens are no JWTs, data calls need no
 * `Ocp-Apim-Subscription-Key`, and a request without `scope` is accepted as one that asks for `workout`.
 *
 * Assumed: that every refresh replaces the refresh token (it may also return the same), that a used one is refused
 * without further consequences, that the old access token lives on, the code's lifetime, that PKCE parameters are not
 * looked at, that the token response has no scope, the path of data calls, and the status of a deauthorisation.
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
