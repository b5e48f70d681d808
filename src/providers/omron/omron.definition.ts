import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { omronNotifications } from './omron.notifications.js';
import { omronSandbox } from './omron.sandbox.js';

/** Omron Wellness, partner API of the United States, OAuth 2.0 with OpenID Connect. */
export const omronDefinition = defineProvider({
  slug: 'omron',
  displayName: 'Omron',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://oauth.omronwellness.com/connect/authorize',
  tokenUrl: 'https://oauth.omronwellness.com/connect/token',
  apiBaseUrl: undefined,
  defaultScopes: ['bloodpressure', 'activity', 'openid', 'offline_access'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  redirectUriOnRefresh: true,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'id-token' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://oauth.omronwellness.com/connect/revocation' },
  notifications: omronNotifications,
  docsUrl: 'https://omronhealthcare-ohi.atlassian.net/wiki/spaces/OWP',
  uncertain: [
    'The lives of the tokens are not published.',
    'Whether a refresh replaces the refresh token, the effect of a second use, and the fate of the old access token; the strictest is assumed.',
    'PKCE is not documented; it is not sent.',
    'The address of the API, the issuer of the ID token and its keys; the ID token is accepted because it comes over TLS.',
    'Whether the token response reports the granted scopes; they are read if it does.',
    'The hosts outside the United States, and the exact page of the documentation.',
  ],
  sandbox: omronSandbox,
});
