import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { ultrahumanSandbox } from './ultrahuman.sandbox.js';

/** Ultrahuman partner API, OAuth 2.0. */
export const ultrahumanDefinition = defineProvider({
  slug: 'ultrahuman',
  displayName: 'Ultrahuman',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  // Spelled the British way.
  authorizeUrl: 'https://auth.ultrahuman.com/authorise',
  tokenUrl: 'https://partner.ultrahuman.com/api/partners/oauth/token',
  apiBaseUrl: 'https://partner.ultrahuman.com/api/partners/v1',
  defaultScopes: ['profile', 'ring_data', 'cgm_data'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 604_800,
  account: {
    from: 'api',
    url: 'https://partner.ultrahuman.com/api/partners/v1/user_data/user_info',
    field: 'user_id',
  },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://partner.ultrahuman.com/api/partners/oauth/revoke' },
  docsUrl: 'https://vision.ultrahuman.com/developer/docs?type=oauth',
  uncertain: [
    "The specification's text spells the path authorize, its examples authorise; the examples are what works.",
    'PKCE is not documented; it is not sent.',
    'The life of a refresh token is not published.',
    'The effect of a second use of a refresh token, and the fate of the old access token; the strictest is assumed.',
    'Whether the token response reports the granted scopes; they are read if it does.',
    'Webhooks and rate limits are not public.',
  ],
  sandbox: ultrahumanSandbox,
});
