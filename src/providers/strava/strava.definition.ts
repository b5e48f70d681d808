import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseStravaErrorCode } from './strava-error.js';
import { stravaNotifications } from './strava.notifications.js';
import { stravaSandbox } from './strava.sandbox.js';

/** Strava API v3, OAuth 2.0. */
export const stravaDefinition = defineProvider({
  slug: 'strava',
  displayName: 'Strava',
  brandColor: '#fc4c02',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://www.strava.com/oauth/authorize',
  tokenUrl: 'https://www.strava.com/oauth/token',
  apiBaseUrl: 'https://www.strava.com/api/v3',
  defaultScopes: ['read', 'activity:read_all', 'profile:read_all'],
  scopeSeparator: ',',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'callback',
  accessTokenLifetimeSeconds: 21_600,
  // The response to an exchange has the athlete, the response to a refresh has not.
  account: { from: 'token-response', field: 'athlete.id' },
  refresh: {
    rotates: 'sometimes',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  // The client is in the header here, and in the form at the token endpoint.
  revocation: {
    proof: 'client',
    method: 'POST',
    url: 'https://www.strava.com/oauth/revoke',
    clientAuthentication: 'basic',
  },
  parseErrorCode: parseStravaErrorCode,
  notifications: stravaNotifications,
  docsUrl: 'https://developers.strava.com/docs/authentication/',
  uncertain: [
    'That a refresh returns the same access token while it has more than an hour left is not confirmed.',
    'The effect of a second use of a refresh token, beyond its refusal, is not documented; the strictest is assumed.',
    'Whether a refresh that brings a new access token ends the previous one is not documented; it is assumed that it does.',
    'PKCE is not documented; it is not sent.',
    'Whether the API host of June 2027 will also serve OAuth: in June 2026 it did not, so only the base of the API moves.',
    'The shape of a refusal at the token endpoint is what other code meets; no page describes it.',
  ],
  sandbox: stravaSandbox,
});
