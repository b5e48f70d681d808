import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { corosSandboxNotification } from './coros.sandbox-notification.js';

/**
 * COROS as implementations for its partners describe it; the provider's documents are private.
 *
 * Assumed:
 * - Result 5006 (authentication) blames the client. Result 30009 (permission) blames the code, the token or the user.
 * - The result of every other error.
 * - The response to an exchange has no `result` and no `token_type`.
 * - Exchange and refresh take the standard form fields.
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - A scope may be left out.
 *
 * Errors of the API come with their own HTTP status here; COROS sends 200.
 */
export const corosSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2/authorize',
  tokenPath: '/oauth2/accesstoken',
  refreshPath: '/oauth2/refresh-token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['workout'],
  omittedScopeMeansAll: true,
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 2_592_000,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  refreshExtendsToken: true,
  // A refresh gives no tokens: it says that the one in use lives 30 days more.
  tokenResponse: ({ access_token, refresh_token, expires_in }, accountId) =>
    access_token === undefined
      ? { result: '0000', message: 'OK' }
      : { access_token, refresh_token, expires_in, openId: accountId },
  errorStatus: 200,
  errorResponse: (error, description) => ({ result: resultOf(error), message: description }),
  apiTokenParameter: 'token',
  apiBasePath: '',
  apiPath: '/v2/coros',
  revoke: { proof: 'query', method: 'POST', path: '/oauth2/deauthorize', status: 200, parameter: 'token' },
  notify: corosSandboxNotification,
};

function resultOf(error: string): string {
  switch (error) {
    case 'invalid_client':
      return '5006';
    case 'invalid_grant':
    case 'invalid_token':
      return '30009';
    default:
      return '9999';
  }
}
