import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { concept2SandboxNotification } from './concept2.sandbox-notification.js';

/**
 * Concept2 Logbook as https://log.concept2.com/developers/documentation/ describes it.
 *
 * Documented and not imitated: the `Accept: application/vnd.c2logbook.v1+json` of API calls. A refresh asks for the
 * last of the two scopes only, which means the whole list.
 *
 * Assumed:
 * - The lifetimes of an access token (reported as 7 days) and of a code.
 * - PKCE parameters are ignored.
 * - Commas separate the scopes of the token response. No other scopes exist.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The path of the data call.
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
