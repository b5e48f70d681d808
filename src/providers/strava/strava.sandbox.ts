import type { OAuth2SandboxMaker } from '../../provider-kit/sandbox-maker.js';

/**
 * Strava API v3 as https://developers.strava.com/docs/authentication/ describes it, with the revocation of June 2026.
 *
 * Milder than Strava: every refresh brings a new access token and a new refresh token, and the athlete too.
 *
 * Assumed: the code's lifetime, that PKCE parameters are not looked at, that a request without `scope` is refused, that a used
 * refresh token is refused without further consequences, and that the old access token lives on. The list of scopes is not
 * complete. `expires_at` is left out.
 */
export const stravaSandbox: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: ['read', 'activity:read_all', 'profile:read_all'],
  userPicksScopes: true,
  scopeInCallback: true,
  scopeInTokenAnswer: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 21_600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenAnswerExtras: (accountId) => ({ athlete: { id: Number(accountId) } }),
  account: { path: '/api/v3/athlete', answer: (accountId) => ({ id: Number(accountId) }) },
  apiPath: '/api/v3',
  revoke: { proof: 'client', clientAuthentication: 'basic', method: 'POST', path: '/oauth/revoke', status: 200 },
};
