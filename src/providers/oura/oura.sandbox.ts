import type { OAuth2SandboxMaker } from '../../provider-kit/sandbox-maker.js';

/**
 * Oura API v2 with the classic OAuth server, as https://cloud.ouraring.com/docs/authentication describes it.
 *
 * Assumed: client authentication in the body only (both kinds appear to work), the code's lifetime, that a used refresh token is
 * refused without further consequences, and method and status of the revocation.
 */
export const ouraSandbox: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: [
    'email',
    'personal',
    'daily',
    'heartrate',
    'workout',
    'tag',
    'session',
    'spo2',
    'spo2Daily',
    'ring_configuration',
    'stress',
    'heart_health',
  ],
  omittedScopeMeansAll: true,
  userPicksScopes: true,
  scopeInCallback: true,
  scopeInTokenAnswer: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/v2/usercollection/personal_info',
    answer: (accountId) => ({ id: accountId, email: 'sandbox@example.test' }),
  },
  apiBasePath: '/v2/usercollection',
  apiPath: '/v2/usercollection/daily_activity',
  revoke: { proof: 'query', method: 'POST', path: '/oauth/revoke', status: 200, parameter: 'access_token' },
};
