import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { fitbitSandboxNotification } from '../fitbit-sandbox-notification.js';

/**
 * Fitbit Web API as https://dev.fitbit.com/build/reference/web-api/authorization/ describes it, before its end in
 * November 2026.
 *
 * Assumed:
 * - The scopes after `cardio_fitness`, from the provider's list of scopes.
 * - The statuses of error responses, and their exact words around the refresh token.
 * - A used refresh token is refused without further consequences.
 *
 * Account numbers are digits here; real ones are six letters and digits.
 */
export const fitbitSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2/authorize',
  tokenPath: '/oauth2/token',
  clientAuthentication: 'basic',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: [
    'activity',
    'heartrate',
    'sleep',
    'profile',
    'weight',
    'oxygen_saturation',
    'respiratory_rate',
    'temperature',
    'nutrition',
    'cardio_fitness',
    'electrocardiogram',
    'irregular_rhythm_notifications',
    'location',
    'settings',
    'social',
  ],
  userPicksScopes: true,
  malformedAuthorizeIsNotRedirected: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 28_800,
  rotation: 'always',
  reuse: 'error',
  replaysRefreshUntilNewTokenUsed: true,
  oneRefreshTokenPerUser: true,
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponseExtras: (accountId) => ({ user_id: accountId }),
  errorResponse: (error, description, token) => ({
    errors: [
      {
        errorType: error,
        message:
          error === 'invalid_grant'
            ? `Refresh token invalid: ${token}. Visit https://dev.fitbit.com/docs/oauth2`
            : description,
      },
    ],
    success: false,
  }),
  apiBasePath: '',
  apiPath: '/1/user/-/profile.json',
  revoke: { proof: 'client', method: 'POST', path: '/oauth2/revoke', status: 200 },
  notify: fitbitSandboxNotification,
};
