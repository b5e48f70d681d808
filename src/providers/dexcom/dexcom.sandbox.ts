import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Dexcom as https://developer.dexcom.com/docs/dexcom/authentication describes it, the same in each region.
 *
 * Assumed: a refresh token's year in `refresh_expires_in`, where the provider may also send 0; `scope` in the token
 * response (RFC 6749 section 5.1), that a used refresh token is refused without further consequences while the old
 * access token lives on, that PKCE parameters are not looked at, and the path of the data call.
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
