import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { appleHealthSandboxNotification } from './apple-health.sandbox-notification.js';

/**
 * Sign in with Apple as https://developer.apple.com/documentation/signinwithapplerestapi describes it.
 *
 * Asking for name or email demands
 * `response_mode=form_post`; the client secret is an ES256 JWT for `https://appleid.apple.com`; the code lives five
 * minutes and works once; a user who cancels brings back `user_cancelled_authorize`; a refresh responses without a
 * refresh token; the token response tells no scopes. Assumed: RS256 for the ID token, no ID token at a refresh, that an
 * earlier access token lives on after a refresh, and that PKCE parameters are not looked at.
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
