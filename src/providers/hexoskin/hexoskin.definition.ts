import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { hexoskinSandbox } from './hexoskin.sandbox.js';

/** Hexoskin, OAuth 2.0. The slashes at the ends of the URLs matter. */
export const hexoskinDefinition = defineProvider({
  slug: 'hexoskin',
  displayName: 'Hexoskin',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.hexoskin.com/api/connect/oauth2/auth/',
  tokenUrl: 'https://api.hexoskin.com/api/connect/oauth2/token/',
  apiBaseUrl: 'https://api.hexoskin.com/api',
  defaultScopes: ['readonly'],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'unsupported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'api', url: 'https://api.hexoskin.com/api/account/', field: 'objects.0.id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://api.hexoskin.com/docs/page/oauth2/',
  uncertain: [
    'The lives of the tokens are not published.',
    'Whether a refresh replaces the refresh token, the effect of a second use, and the fate of the old access token; the strictest is assumed.',
    'PKCE is not documented; it is not sent.',
    'The path of the account call and the place of the id in its response are not confirmed.',
    'Whether the token response reports the granted scopes; they are read if it does.',
    'No way to end a grant was found.',
    'The address of the documentation is reconstructed, and whether OAuth 1.0a is still served is not known.',
  ],
  sandbox: hexoskinSandbox,
});
