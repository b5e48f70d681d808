import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { whoopNotifications } from './whoop.notifications.js';
import { whoopSandbox } from './whoop.sandbox.js';

/** WHOOP API v2, OAuth 2.0. */
export const whoopDefinition = defineProvider({
  slug: 'whoop',
  displayName: 'WHOOP',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.prod.whoop.com/oauth/oauth2/auth',
  tokenUrl: 'https://api.prod.whoop.com/oauth/oauth2/token',
  apiBaseUrl: 'https://api.prod.whoop.com/developer/v2',
  defaultScopes: [
    'offline',
    'read:recovery',
    'read:cycles',
    'read:sleep',
    'read:workout',
    'read:profile',
    'read:body_measurement',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  scopeOnRefresh: 'offline',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 3600,
  account: { from: 'api', url: 'https://api.prod.whoop.com/developer/v2/user/profile/basic', field: 'user_id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'bearer', method: 'DELETE', url: 'https://api.prod.whoop.com/developer/v2/user/access' },
  notifications: whoopNotifications,
  docsUrl: 'https://developer.whoop.com/docs/developing/oauth',
  uncertain: [
    'The life of a refresh token is not published.',
    'PKCE is not documented; it is not sent.',
    'The effect of a second use of a refresh token is not documented; the strictest is assumed.',
    'How long state may be: one client says exactly 8 characters, others send 24 to 32 and link.',
  ],
  sandbox: whoopSandbox,
});
