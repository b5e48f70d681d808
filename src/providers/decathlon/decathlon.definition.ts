import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { decathlonSandbox } from './decathlon.sandbox.js';

/** Decathlon Sports Tracking Data, OAuth 2.0. */
export const decathlonDefinition = defineProvider({
  slug: 'decathlon',
  displayName: 'Decathlon',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.decathlon.net/connect/oauth/authorize',
  tokenUrl: 'https://api.decathlon.net/connect/oauth/token',
  apiBaseUrl: 'https://api.decathlon.net/sportstrackingdata/v2',
  dataApi: { headers: ['x-api-key'] },
  defaultScopes: ['openid', 'profile', 'sports_tracking_data'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'supported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 899,
  // A token lives 15 minutes: refreshed ahead of time, idle connections would cause most of the load.
  refreshOnDemandOnly: true,
  account: {
    from: 'api',
    url: 'https://api.decathlon.net/sportstrackingdata/v2/me/',
    field: 'id',
    headers: ['x-api-key'],
  },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://developers.decathlon.com/products/sports-tracking-data',
  uncertain: [
    'The address of the documentation is from memory.',
    'PKCE is not documented: one public client sends it, and works.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'Whether there is a way to revoke a grant, and a discovery document; none was found.',
  ],
  sandbox: decathlonSandbox,
});
