import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseFitbitErrorCode } from './fitbit-error.js';
import { fitbitNotifications } from './fitbit.notifications.js';
import { fitbitSandbox } from './fitbit.sandbox.js';

/** Fitbit Web API, OAuth 2.0; announced to be shut down on 2 November 2026 in favor of the Google Health API. */
export const fitbitDefinition = defineProvider({
  slug: 'fitbit',
  displayName: 'Fitbit',
  brandColor: '#00b0b9',
  oauth: '2.0',
  lifecycle: { status: 'retired', sunsetAt: '2026-11-02', replacedBy: 'google-health' },
  authorizeUrl: 'https://www.fitbit.com/oauth2/authorize',
  tokenUrl: 'https://api.fitbit.com/oauth2/token',
  apiBaseUrl: 'https://api.fitbit.com',
  defaultScopes: [
    'activity',
    'heartrate',
    'sleep',
    'profile',
    'weight',
    'oxygen_saturation',
    'respiratory_rate',
    'temperature',
    'nutrition',
    'cardio_fitness',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'supported',
  codeLifetimeSeconds: 600,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 28_800,
  account: { from: 'token-response', field: 'user_id' },
  // The same response is given again until the new pair is used; the provider says not to depend on it.
  refresh: {
    rotates: 'always',
    reuse: 'error',
    grace: 'until-new-token-used',
    oldAccessTokenDiesOnRefresh: false,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://api.fitbit.com/oauth2/revoke' },
  parseErrorCode: parseFitbitErrorCode,
  notifications: fitbitNotifications,
  docsUrl: 'https://dev.fitbit.com/build/reference/web-api/authorization/',
  uncertain: [
    'For how long a repeated refresh gets the same response: no documentation states a number.',
    'The response of the endpoints since the shutdown on 2 November 2026: HTTP 410 is announced, its body was not seen.',
  ],
  sandbox: fitbitSandbox,
});
