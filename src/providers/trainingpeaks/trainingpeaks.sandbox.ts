import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * TrainingPeaks as https://github.com/TrainingPeaks/PartnersAPI/wiki describes it.
 *
 * Assumed:
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - PKCE parameters are ignored.
 * - The status of a deauthorization.
 */
export const trainingpeaksSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/OAuth/Authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['athlete:profile', 'workouts:read', 'metrics:read'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 3600,
  accessTokenLifetimeSeconds: 600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account: {
    path: '/v1/athlete/profile',
    respond: (accountId) => ({ Id: Number(accountId), FirstName: 'Example' }),
    scope: 'athlete:profile',
  },
  apiBasePath: '',
  apiPath: '/v2/workouts',
  revoke: { proof: 'bearer', method: 'POST', path: '/oauth/deauthorize', status: 200 },
};
