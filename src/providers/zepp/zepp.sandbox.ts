import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Zepp as https://github.com/zepp-health/rest-api/wiki describes it: the authorization page is a web app that reads
 * its parameters from the fragment, scopes are joined by semicolons, and refreshes have a URL of their own.
 *
 * Assumed: that PKCE parameters are ignored, that every refresh replaces the refresh token while a used one is
 * refused without further consequences and the old access token stays valid, that the token response has no scope,
 * and the path of the data call.
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
