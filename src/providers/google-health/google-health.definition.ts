import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { googleHealthNotifications } from './google-health.notifications.js';
import { googleHealthSandbox } from './google-health.sandbox.js';

/** Google Health API v4, OAuth 2.0; replaces the Fitbit Web API. */
export const googleHealthDefinition = defineProvider({
  slug: 'google-health',
  displayName: 'Google Health',
  brandColor: '#4285f4',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
  tokenUrl: 'https://oauth2.googleapis.com/token',
  apiBaseUrl: 'https://health.googleapis.com/v4',
  defaultScopes: [
    'https://www.googleapis.com/auth/googlehealth.activity_and_fitness.readonly',
    'https://www.googleapis.com/auth/googlehealth.health_metrics_and_measurements.readonly',
    'https://www.googleapis.com/auth/googlehealth.sleep.readonly',
    'https://www.googleapis.com/auth/googlehealth.profile.readonly',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'supported',
  issuers: ['https://accounts.google.com'],
  // Without the first no refresh token is issued; without the second none when the user has consented before.
  extraAuthorizeParams: { access_type: 'offline', prompt: 'consent', include_granted_scopes: 'true' },
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 3600,
  refreshExpiresInField: 'refresh_token_expires_in',
  account: { from: 'api', url: 'https://health.googleapis.com/v4/users/me/identity', field: 'healthUserId' },
  refresh: {
    rotates: 'never',
    reuse: 'ignored',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    refreshTokenIdleSeconds: 15_552_000,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'token', method: 'POST', url: 'https://oauth2.googleapis.com/revoke', goneStatus: 400 },
  notifications: googleHealthNotifications,
  docsUrl: 'https://developers.google.com/health',
  uncertain: [
    "Which callbacks name the issuer; one that names another than Google's discovery document is refused.",
    'PKCE is general behavior of Google; the pages of Google Health do not mention it.',
    'refresh_token_expires_in and the rule for redirect URIs are general behavior of Google; the pages of Google Health do not mention them.',
    'Whether a refresh ends the previous access token is not documented; it is assumed that it does.',
  ],
  sandbox: googleHealthSandbox,
});
