import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { nolioSandbox } from './nolio.sandbox.js';

/** Nolio API v2, OAuth 2.0. */
export const nolioDefinition = defineProvider({
  slug: 'nolio',
  displayName: 'Nolio',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  // Every path ends with a slash.
  authorizeUrl: 'https://www.nolio.io/api/authorize/',
  tokenUrl: 'https://www.nolio.io/api/token/',
  apiBaseUrl: 'https://www.nolio.io/api/v2',
  defaultScopes: ['real:read', 'metrics:read', 'settings:read'],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'supported',
  codeLifetimeSeconds: 600,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 86_400,
  account: { from: 'api', url: 'https://www.nolio.io/api/v2/me/', field: 'id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://github.com/NolioApp/NolioAPI-Documentation/wiki',
  uncertain: [
    'A path to revoke a grant, https://www.nolio.io/api/deauthorize/, exists; its method and proof were not read, so it is not called.',
    'The effect of a second use of a refresh token, beyond that it is invalid; the strictest is assumed.',
    'Whether a refresh ends the previous access token; it is assumed that it does.',
  ],
  sandbox: nolioSandbox,
});
