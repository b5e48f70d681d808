import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { zeppSandbox } from './zepp.sandbox.js';

/** Zepp (Amazfit, formerly Huami), OAuth 2.0 behind a web app. */
export const zeppDefinition = defineProvider({
  slug: 'zepp',
  displayName: 'Zepp (Amazfit)',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://user.huami.com/oauth/index.html',
  authorizeRoute: '/',
  tokenUrl: 'https://auth.huami.com/oauth2/access_token',
  refreshUrl: 'https://auth.huami.com/oauth2/refresh_token',
  apiBaseUrl: 'https://api-open.huami.com',
  defaultScopes: ['profile', 'activity', 'sleep', 'heartrate', 'sport', 'sportDetail'],
  scopeSeparator: ';',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  codeLifetimeSeconds: 300,
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 7_776_000,
  account: { from: 'api', url: 'https://api-open.huami.com/users/-/profile', field: 'userId' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://github.com/zepp-health/rest-api/wiki',
  uncertain: [
    'The documents are from 2017 to 2020; whether the hosts moved to zepp.com is not known.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'A call of its own reports the granted scopes; it is not made, and the requested ones are assumed.',
    'Users in mainland China are on other hosts, which are not known here.',
    'No way to revoke a grant was found.',
  ],
  sandbox: zeppSandbox,
});
