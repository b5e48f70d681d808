import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseWahooErrorCode } from './wahoo-error.js';
import { wahooNotifications } from './wahoo.notifications.js';
import { wahooSandbox } from './wahoo.sandbox.js';

/** Wahoo Cloud API, OAuth 2.0. */
export const wahooDefinition = defineProvider({
  slug: 'wahoo',
  displayName: 'Wahoo',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.wahooligan.com/oauth/authorize',
  tokenUrl: 'https://api.wahooligan.com/oauth/token',
  apiBaseUrl: 'https://api.wahooligan.com/v1',
  defaultScopes: ['user_read', 'workouts_read', 'offline_data'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'supported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 7200,
  account: { from: 'api', url: 'https://api.wahooligan.com/v1/user', field: 'id' },
  // The old pair ends with the first API call that uses the new access token. A caller who gets the old token
  // during a refresh loses it when another caller uses the new one. So the refresh counts as its end.
  refreshOnDemandOnly: true,
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'until-new-token-used',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'bearer', method: 'DELETE', url: 'https://api.wahooligan.com/v1/permissions' },
  parseErrorCode: parseWahooErrorCode,
  notifications: wahooNotifications,
  docsUrl: 'https://cloud-api.wahooligan.com/',
  uncertain: [
    'The life of a refresh token is not published.',
    'The effect of an old refresh token after the new access token was used is not documented; the strictest is assumed.',
    'PKCE is described as an option for public apps; it is sent together with the client secret.',
    'Whether the token response reports the granted scopes; they are read if it does.',
    'The error of a dead refresh token: invalid_grant is expected; an opaque 400 is met too, and is no evidence.',
    'The text by which a full quota of access tokens is known is what other code meets; it is read as an outage for that user.',
    'The exact names of the write scopes, none of which is asked for.',
  ],
  sandbox: wahooSandbox,
});
