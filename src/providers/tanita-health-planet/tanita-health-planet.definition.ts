import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { tanitaHealthPlanetSandbox } from './tanita-health-planet.sandbox.js';

/** TANITA Health Planet, OAuth 2.0 of its early days. */
export const tanitaHealthPlanetDefinition = defineProvider({
  slug: 'tanita-health-planet',
  displayName: 'TANITA Health Planet',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://www.healthplanet.jp/oauth/auth',
  tokenUrl: 'https://www.healthplanet.jp/oauth/token',
  apiBaseUrl: 'https://www.healthplanet.jp/status',
  dataApi: { tokenParameter: 'access_token' },
  defaultScopes: ['innerscan', 'sphygmomanometer', 'pedometer'],
  scopeSeparator: ',',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  redirectUriOnRefresh: true,
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: undefined,
  responseDialect: { noTokenType: true },
  account: { from: 'nowhere' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://www.healthplanet.jp/apis/api.html',
  uncertain: [
    'The lifetimes of the tokens are not published; one client assumes 30 days.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'That refreshes exist: clients send them, with the redirect URI; the published specification shows only the exchange of a code.',
    'That the callback has state, which the specification does not mention, is the experience of clients; a callback without it is refused.',
    'Whether the token response has token_type or the granted scopes; neither is expected.',
    'The error of a dead refresh token: invalid_grant is expected; a page in HTML is no evidence.',
    "No way to revoke a grant, and none to learn the user's id, is documented.",
  ],
  sandbox: tanitaHealthPlanetSandbox,
});
