import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { appleHealthSandboxNotification } from './apple-health.sandbox-notification.js';

/**
 * Sign in with Apple as https://developer.apple.com/documentation/signinwithapplerestapi describes it.
 *
 * - A request for name or email needs `response_mode=form_post`.
 * - The client secret is an ES256 JWT for `https://appleid.apple.com`.
 * - The code lives five minutes and works once.
 * - A user who cancels brings back `user_cancelled_authorize`.
 * - The response to a refresh has no refresh token.
 * - The token response has no scopes.
 *
 * Assumed:
 * - The ID token is signed with RS256. A refresh brings none.
 * - An earlier access token stays valid after a refresh.
 * - PKCE parameters are ignored.
 *
 * Apple has no API that takes the access token. `apiPath` is made up, so that a test can see whether a token is alive.
 */
export const appleHealthSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/auth/authorize',
  tokenPath: '/auth/token',
  clientAuthentication: 'es256-jwt',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['name', 'email'],
  authorizeParams: { response_mode: 'form_post' },
  issuers: ['https://appleid.apple.com', 'https://account.apple.com'],
  callback: 'form_post',
  deniedError: 'user_cancelled_authorize',
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 300,
  accessTokenLifetimeSeconds: 3_600,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  idToken: { issuer: 'https://appleid.apple.com', algorithm: 'RS256', jwksPath: '/auth/keys' },
  apiPath: '/sandbox-only',
  revoke: { proof: 'client', method: 'POST', path: '/auth/revoke', status: 200 },
  notify: appleHealthSandboxNotification,
};
