import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { hammerheadNotifications } from './hammerhead.notifications.js';
import { hammerheadSandbox } from './hammerhead.sandbox.js';

/** Hammerhead Karoo, OAuth 2.0. */
export const hammerheadDefinition = defineProvider({
  slug: 'hammerhead',
  displayName: 'Hammerhead',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.hammerhead.io/v1/auth/oauth/authorize',
  tokenUrl: 'https://api.hammerhead.io/v1/auth/oauth/token',
  apiBaseUrl: 'https://api.hammerhead.io/v1/api',
  defaultScopes: ['activity:read'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'token-response', field: 'user_id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://api.hammerhead.io/v1/auth/oauth/deauthorize' },
  notifications: hammerheadNotifications,
  docsUrl: 'https://api.hammerhead.io/v1/docs',
  uncertain: [
    'The lifetime of an access token is not published; the documented example has 52,000 seconds.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'Whether the token response has the granted scopes; they are read if it has.',
    'Whether a deauthorization takes the refresh token as well as the access token.',
  ],
  sandbox: hammerheadSandbox,
});
