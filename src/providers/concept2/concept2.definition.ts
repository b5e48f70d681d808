import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { concept2Notifications } from './concept2.notifications.js';
import { concept2Sandbox } from './concept2.sandbox.js';

/** Concept2 Logbook, OAuth 2.0. */
export const concept2Definition = defineProvider({
  slug: 'concept2',
  displayName: 'Concept2 Logbook',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://log.concept2.com/oauth/authorize',
  tokenUrl: 'https://log.concept2.com/oauth/access_token',
  apiBaseUrl: 'https://log.concept2.com/api',
  defaultScopes: ['user:read', 'results:read'],
  scopeSeparator: ',',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  scopeOnExchange: true,
  scopeOnRefresh: true,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'api', url: 'https://log.concept2.com/api/users/me', field: 'data.id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  notifications: concept2Notifications,
  docsUrl: 'https://log.concept2.com/developers/documentation/',
  uncertain: [
    'The life of an access token: reported as about 7 days, so only the token response is used.',
    'The effect of a second use of a refresh token, and the fate of the old access token; the strictest is assumed.',
    'The separator of the granted scopes in the token response; commas and spaces are read.',
    'No way to end a grant was found.',
    'The address of the documentation is reconstructed.',
  ],
  sandbox: concept2Sandbox,
});
