import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { garminNotifications } from './garmin.notifications.js';
import { garminSandbox } from './garmin.sandbox.js';

/** Garmin Connect, OAuth 2.0 with PKCE. */
export const garminDefinition = defineProvider({
  slug: 'garmin',
  displayName: 'Garmin Connect',
  brandColor: '#000000',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://connect.garmin.com/oauth2Confirm',
  tokenUrl: 'https://diauth.garmin.com/di-oauth2-service/oauth/token',
  apiBaseUrl: 'https://apis.garmin.com/wellness-api/rest',
  // Permissions are set on the app and toggled by the user; the scope in the token response is a constant.
  defaultScopes: [],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'required',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 86_400,
  refreshExpiresInField: 'refresh_token_expires_in',
  account: { from: 'api', url: 'https://apis.garmin.com/wellness-api/rest/user/id', field: 'userId' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    refreshTokenIdleSeconds: 7_775_998,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'bearer', method: 'DELETE', url: 'https://apis.garmin.com/wellness-api/rest/user/registration' },
  notifications: garminNotifications,
  docsUrl: 'https://developer.garmin.com/gc-developer-program/',
  uncertain: [
    'Whether the previous refresh token dies at once; it is treated as dead.',
    'Whether a refresh ends the previous access token; it is treated as ended.',
    'One code base authenticates with Basic; the specification and three others use the body.',
    'The day on which the developer program takes new accounts again: two reports say that it has been closed since spring 2026, and one asked Garmin.',
  ],
  sandbox: garminSandbox,
});
