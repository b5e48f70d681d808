import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { googleHealthKeyset, googleHealthSandboxNotification } from './google-health.sandbox-notification.js';

const scope = (name: string): string => `https://www.googleapis.com/auth/googlehealth.${name}`;

/**
 * Google Health API v4 as https://developers.google.com/health describes it, with an app whose consent screen is in
 * Testing: its refresh tokens live for 7 days.
 *
 * Harsher than Google: an authorize request without `access_type=offline` or `prompt=consent` is refused, where Google
 * would only issue no refresh token.
 *
 * Assumed:
 * - The code's lifetime.
 * - The full names of the scopes after `profile.readonly`.
 * - The identity call needs no scope.
 * - The previous access token stays valid after a refresh.
 *
 * Account numbers are digits here; real ones have up to 63 characters.
 */
export const googleHealthSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/o/oauth2/v2/auth',
  authorizeParams: { access_type: 'offline', prompt: 'consent', include_granted_scopes: 'true' },
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: [
    scope('activity_and_fitness.readonly'),
    scope('health_metrics_and_measurements.readonly'),
    scope('sleep.readonly'),
    scope('profile.readonly'),
    scope('activity_and_fitness.writeonly'),
    scope('health_metrics_and_measurements.writeonly'),
    scope('sleep.writeonly'),
    scope('nutrition.readonly'),
    scope('nutrition.writeonly'),
    scope('profile.writeonly'),
    scope('settings.readonly'),
    scope('settings.writeonly'),
    scope('ecg.readonly'),
    scope('irn.readonly'),
    scope('location.readonly'),
  ],
  userPicksScopes: true,
  issuers: ['https://accounts.google.com'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  refreshTokenLifetimeSeconds: 604_800,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/v4/users/me/identity',
    respond: (accountId) => ({ healthUserId: accountId, legacyUserId: 'ABC123' }),
  },
  apiBasePath: '/v4',
  apiPath: '/v4/users',
  revoke: { proof: 'token', method: 'POST', path: '/revoke', status: 200, goneStatus: 400 },
  endpoints: [
    {
      method: 'GET',
      path: '/googlehealthapi/webhooks/webhooks_public_keyset.json',
      respond: () => ({ status: 200, json: googleHealthKeyset() }),
    },
  ],
  notify: googleHealthSandboxNotification,
};
