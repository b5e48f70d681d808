import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { stravaSandboxNotification } from './strava.sandbox-notification.js';
import { stravaSandboxSubscriptions } from './strava.sandbox-subscriptions.js';

/**
 * Strava API v3 as https://developers.strava.com/docs/authentication/ describes it, with the revocation of June 2026.
 *
 * Milder than Strava: every refresh brings a new access token and a new refresh token, and the athlete too.
 *
 * Assumed:
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - A request without `scope` is refused.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 *
 * The list of scopes is not complete. `expires_at` is left out. The shape of a refusal is known from other code only.
 * Errors other than those of the client, the grant and the access token have the resource `Application`.
 */
export const stravaSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: ['read', 'activity:read_all', 'profile:read_all'],
  userPicksScopes: true,
  scopeInCallback: true,
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 21_600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: (accountId) => ({ athlete: { id: Number(accountId) } }),
  errorResponse: (error, description) => ({
    message: 'Bad Request',
    errors: [{ ...refusedPart(error, description), code: 'invalid' }],
  }),
  account: { path: '/api/v3/athlete', respond: (accountId) => ({ id: Number(accountId) }) },
  apiBasePath: '/api/v3',
  apiPath: '/api/v3',
  revoke: { proof: 'client', clientAuthentication: 'basic', method: 'POST', path: '/oauth/revoke', status: 200 },
  endpoints: stravaSandboxSubscriptions,
  notify: stravaSandboxNotification,
};

function refusedPart(error: string, description: string): { readonly resource: string; readonly field: string } {
  switch (error) {
    case 'invalid_grant':
      return description.startsWith('the code')
        ? { resource: 'AuthorizationCode', field: 'code' }
        : { resource: 'RefreshToken', field: 'refresh_token' };
    case 'invalid_token':
      return { resource: 'Athlete', field: 'access_token' };
    default:
      return { resource: 'Application', field: error === 'invalid_client' ? '' : error };
  }
}
