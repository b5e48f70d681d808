import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { concept2SandboxNotification } from './concept2.sandbox-notification.js';

/**
 * Concept2 Logbook as https://log.concept2.com/developers/documentation/ describes it.
 *
 * Documented and not imitated: the `Accept: application/vnd.c2logbook.v1+json` of API calls. A refresh is asked for the
 * last of the two scopes only, which stands for the whole list.
 *
 * Assumed: the life of an access token (reported as 7 days) and of a code, that PKCE parameters are not looked at, that
 * commas separate the scopes of the token response, that a used refresh token is refused without further consequences
 * while the old access token lives on, the path of the data call, and that no other scopes exist.
 */
export const concept2Sandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/access_token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: ['user:read', 'results:read'],
  scopeInTokenResponse: true,
  scopeOnExchange: true,
  scopeOnRefresh: 'results:read',
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 604_800,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/api/users/me',
    respond: (accountId) => ({ data: { id: Number(accountId), username: 'sandbox' } }),
  },
  apiBasePath: '/api',
  apiPath: '/api/users/me/results',
  notify: concept2SandboxNotification,
};
