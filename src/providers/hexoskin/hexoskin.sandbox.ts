import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Hexoskin as https://api.hexoskin.com/docs/page/oauth2/ describes it. A URL without the slash at its end finds
 * nothing.
 *
 * Assumed:
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The lifetimes of code and access token.
 * - PKCE parameters are ignored.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - The account call, which is not confirmed, and the path of the data call.
 */
export const hexoskinSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/api/connect/oauth2/auth/',
  tokenPath: '/api/connect/oauth2/token/',
  clientAuthentication: 'basic',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['readonly', 'readwrite'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/api/account/',
    respond: (accountId) => ({ objects: [{ id: Number(accountId) }] }),
  },
  apiBasePath: '/api',
  apiPath: '/api/record/',
};
