import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Sensor Bio as a public client describes it.
 *
 * Assumed:
 * - The lifetimes.
 * - PKCE parameters are ignored.
 * - There are no scopes.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The path of the data call.
 *
 * The fake speaks HTTP/1.1.
 */
export const sensorBioSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/authorize',
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: [],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: { path: '/v1/user', respond: (accountId) => ({ data: { id: accountId } }) },
  apiBasePath: '',
  apiPath: '/v1/sleep',
};
