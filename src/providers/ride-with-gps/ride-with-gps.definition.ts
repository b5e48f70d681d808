import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { rideWithGpsNotifications } from './ride-with-gps.notifications.js';
import { rideWithGpsSandbox } from './ride-with-gps.sandbox.js';

/** Ride with GPS, OAuth 2.0 with access tokens that never expire. */
export const rideWithGpsDefinition = defineProvider({
  slug: 'ride-with-gps',
  displayName: 'Ride with GPS',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://ridewithgps.com/oauth/authorize',
  tokenUrl: 'https://ridewithgps.com/oauth/token.json',
  apiBaseUrl: 'https://ridewithgps.com/api/v1',
  defaultScopes: ['user'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  neverExpires: true,
  noRefreshToken: true,
  account: { from: 'token-response', field: 'user_id' },
  // Nothing is ever refreshed.
  refresh: {
    rotates: 'never',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://ridewithgps.com/oauth/revoke.json' },
  notifications: rideWithGpsNotifications,
  docsUrl: 'https://github.com/ridewithgps/developers/blob/master/authentication.md',
  uncertain: [
    'PKCE is not documented; it is not sent.',
    'Whether the authorization request has a scope; the one that the token response names is sent.',
  ],
  sandbox: rideWithGpsSandbox,
});
