import type { OAuth2SandboxMaker } from '../../provider-kit/sandbox-maker.js';

/**
 * Tidepool as docs/authentication.md of https://github.com/tidepool-org/TidepoolApi describes it: Keycloak, and a client without a
 * secret.
 *
 * Assumed: a realm that ends offline sessions after 30 days, so that `refresh_expires_in` is a number; without a limit Keycloak sends 0.
 * Also rotation without further consequences while the old access token lives on, the lives of code and access token (minutes, says
 * the maker), `scope` in the token answer (RFC 6749 section 5.1), the 200 of a revocation, the path of the data call, and issuer,
 * algorithm and key path of the ID token, which nobody here reads.
 */
export const tidepoolSandbox: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/realms/tidepool/protocol/openid-connect/auth',
  tokenPath: '/realms/tidepool/protocol/openid-connect/token',
  clientAuthentication: 'none',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: ['openid', 'email', 'offline_access', 'data_read', 'data_write'],
  scopeInTokenAnswer: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenAnswerExtras: () => ({ refresh_expires_in: 2_592_000, 'not-before-policy': 0 }),
  idToken: { issuer: 'https://auth.tidepool.org/realms/tidepool', algorithm: 'RS256', jwksPath: '/sandbox/keys' },
  apiBasePath: '',
  apiPath: '/v1/users',
  revoke: {
    proof: 'client',
    method: 'POST',
    path: '/realms/tidepool/protocol/openid-connect/revoke',
    status: 200,
  },
};
