import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Nolio API v2 as https://github.com/NolioApp/NolioAPI-Documentation/wiki and its migration guide describe it.
 *
 * Assumed:
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The path of the data call.
 */
export const nolioSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/api/authorize/',
  tokenPath: '/api/token/',
  clientAuthentication: 'basic',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: ['real:read', 'metrics:read', 'settings:read'],
  userPicksScopes: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  account: { path: '/api/v2/me/', respond: (accountId) => ({ id: accountId }) },
  apiBasePath: '/api/v2',
  apiPath: '/api/v2/trainings/',
};
