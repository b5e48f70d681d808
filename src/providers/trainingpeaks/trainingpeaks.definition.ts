import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { trainingpeaksSandbox } from './trainingpeaks.sandbox.js';

/** TrainingPeaks Partners API, OAuth 2.0. */
export const trainingpeaksDefinition = defineProvider({
  slug: 'trainingpeaks',
  displayName: 'TrainingPeaks',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://oauth.trainingpeaks.com/OAuth/Authorize',
  tokenUrl: 'https://oauth.trainingpeaks.com/oauth/token',
  servers: {
    live: {},
    sandbox: {
      authorizeUrl: 'https://oauth.sandbox.trainingpeaks.com/OAuth/Authorize',
      tokenUrl: 'https://oauth.sandbox.trainingpeaks.com/oauth/token',
      apiBaseUrl: 'https://api.sandbox.trainingpeaks.com',
      account: { from: 'api', url: 'https://api.sandbox.trainingpeaks.com/v1/athlete/profile', field: 'Id' },
      revocation: {
        proof: 'bearer',
        method: 'POST',
        url: 'https://oauth.sandbox.trainingpeaks.com/oauth/deauthorize',
      },
    },
  },
  apiBaseUrl: 'https://api.trainingpeaks.com',
  defaultScopes: ['athlete:profile', 'workouts:read', 'metrics:read'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  codeLifetimeSeconds: 3600,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 600,
  account: { from: 'api', url: 'https://api.trainingpeaks.com/v1/athlete/profile', field: 'Id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'bearer', method: 'POST', url: 'https://oauth.trainingpeaks.com/oauth/deauthorize' },
  docsUrl: 'https://github.com/TrainingPeaks/PartnersAPI/wiki',
  uncertain: [
    'The lifetime of an access token is 600 seconds in the documented example; the token response decides.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'The lifetime of a refresh token is not published.',
    'That the sandbox has the same paths as the live service.',
  ],
  sandbox: trainingpeaksSandbox,
});
