import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { polarNotifications } from './polar.notifications.js';
import { polarSandbox } from './polar.sandbox.js';

/** Polar AccessLink v3, OAuth 2.0 without refresh; succeeded by v4, which has other hosts and other tokens. */
export const polarDefinition = defineProvider({
  slug: 'polar',
  displayName: 'Polar',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://flow.polar.com/oauth2/authorization',
  tokenUrl: 'https://polarremote.com/v2/oauth2/token',
  apiBaseUrl: 'https://www.polaraccesslink.com/v3',
  defaultScopes: ['accesslink.read_all'],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: undefined,
  neverExpires: true,
  noRefreshToken: true,
  account: { from: 'token-response', field: 'x_user_id' },
  // There is nothing to refresh.
  refresh: {
    rotates: 'never',
    reuse: 'error',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: false,
    timeoutMs: 10_000,
  },
  revocation: {
    proof: 'bearer',
    method: 'DELETE',
    url: 'https://www.polaraccesslink.com/v3/users/{providerUserId}',
  },
  notifications: polarNotifications,
  docsUrl: 'https://www.polar.com/accesslink-api/',
  uncertain: [
    'The value of expires_in, which is very large; it is not read, a token lives until it is revoked.',
    'The day on which v3 ends; none is published.',
    "In which format the registration of a user is sent; JSON, as in the provider's own example.",
    'Whether the token response reports the granted scopes; they are not read.',
    'PKCE is not documented; it is not sent.',
  ],
  sandbox: polarSandbox,
});
