import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Dexcom as https://developer.dexcom.com/docs/dexcom/authentication describes it, the same in each region.
 *
 * Assumed:
 * - `refresh_expires_in` is the year of a refresh token. The provider may also send 0.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - PKCE parameters are ignored.
 * - The path of the data call.
 */
export const dexcomSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  tellsNoUserId: true,
  authorizePath: '/v3/oauth2/login',
  tokenPath: '/v3/oauth2/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['offline_access'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 7200,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: () => ({ refresh_expires_in: 31_536_000 }),
  apiBasePath: '/v3',
  apiPath: '/v3/users/self',
};
