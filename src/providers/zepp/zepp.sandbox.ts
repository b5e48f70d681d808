import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Zepp as https://github.com/zepp-health/rest-api/wiki describes it. The authorization page is a web app that reads its
 * parameters from the fragment. Scopes are joined by semicolons, and refreshes have a URL of their own.
 *
 * Assumed:
 * - PKCE parameters are ignored.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The token response has no scope.
 * - The path of the data call.
 */
export const zeppSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/index.html',
  authorizeRoute: '/',
  tokenPath: '/oauth2/access_token',
  refreshPath: '/oauth2/refresh_token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ';',
  scopes: ['profile', 'activity', 'sleep', 'heartrate', 'sport', 'sportDetail'],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 300,
  accessTokenLifetimeSeconds: 7_776_000,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: { path: '/users/-/profile', respond: (accountId) => ({ userId: accountId }), scope: 'profile' },
  apiBasePath: '',
  apiPath: '/users/-/sleep',
};
