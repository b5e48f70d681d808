import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * TANITA Health Planet as https://www.healthplanet.jp/apis/api.html and public clients describe it. Data calls have the
 * token in the query. No response has the user's id.
 *
 * Assumed:
 * - The lifetimes.
 * - The callback has `state`.
 * - A refresh needs the redirect URI and replaces the refresh token.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - PKCE parameters are ignored.
 * - Errors are JSON. They may be pages in HTML.
 */
export const tanitaHealthPlanetSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/auth',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: ['innerscan', 'sphygmomanometer', 'pedometer'],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 2_592_000,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  redirectUriOnRefresh: true,
  tokenResponse: ({ access_token, expires_in, refresh_token }) => ({ access_token, expires_in, refresh_token }),
  tellsNoUserId: true,
  apiBasePath: '/status',
  apiPath: '/status/innerscan.json',
  apiTokenParameter: 'access_token',
};
