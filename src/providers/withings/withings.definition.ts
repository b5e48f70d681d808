import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseWithingsErrorCode } from './withings-error.js';
import { withingsNotifications } from './withings.notifications.js';
import { withingsSandbox } from './withings.sandbox.js';

/** Withings Public Health Data API, OAuth 2.0 in an envelope of its own. */
export const withingsDefinition = defineProvider({
  slug: 'withings',
  displayName: 'Withings',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://account.withings.com/oauth2_user/authorize2',
  tokenUrl: 'https://wbsapi.withings.net/v2/oauth2',
  servers: {
    eu: {},
    // The US medical cloud, for customers under HIPAA: the same protocol on other hosts.
    us: {
      authorizeUrl: 'https://account.us.withingsmed.com/oauth2_user/authorize2',
      tokenUrl: 'https://wbsapi.us.withingsmed.net/v2/oauth2',
      apiBaseUrl: 'https://wbsapi.us.withingsmed.net',
      revocation: { proof: 'custom', method: 'POST', url: 'https://wbsapi.us.withingsmed.net/v2/oauth2' },
      docsUrl: 'https://developer.withings.com/developer-guide/v3/get-access/',
    },
  },
  apiBaseUrl: 'https://wbsapi.withings.net',
  defaultScopes: ['user.info', 'user.metrics', 'user.activity', 'user.sleepevents'],
  scopeSeparator: ',',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  extraTokenParams: { action: 'requesttoken' },
  codeLifetimeSeconds: 30,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 10_800,
  responseDialect: {
    // 503 and 255x mean wrong parameters first of all. A wrong client secret must not end every connection. So of these
    // only a 503 that names the refresh token or the code is read as a dead grant (`parseErrorCode`). 100 to 200 and
    // 214 to 2553 mean "authentication failed" and "unauthorised" in tables of other code. The party that they blame is
    // not known. They are read as ours, with the code that does not open the circuit for all connections.
    status: {
      field: 'status',
      success: 0,
      errors: {
        100: 'unauthorized_client',
        101: 'unauthorized_client',
        102: 'unauthorized_client',
        200: 'unauthorized_client',
        214: 'unauthorized_client',
        277: 'unauthorized_client',
        401: 'invalid_grant',
        503: 'invalid_request',
        601: 'rate_limited',
        2553: 'unauthorized_client',
        2554: 'invalid_request',
        2555: 'invalid_request',
      },
    },
    bodyField: 'body',
  },
  parseErrorCode: parseWithingsErrorCode,
  account: { from: 'token-response', field: 'userid' },
  // The old refresh token also ends 8 hours after the new one was issued.
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'until-new-token-used',
    oldAccessTokenDiesOnRefresh: true,
    refreshTokenIdleSeconds: 31_536_000,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'custom', method: 'POST', url: 'https://wbsapi.withings.net/v2/oauth2' },
  notifications: withingsNotifications,
  docsUrl:
    'https://developer.withings.com/developer-guide/v3/integration-guide/public-health-data-api/get-access/access-and-refresh-tokens-no-recover',
  uncertain: [
    'Which statuses mean that a refresh token or a code is dead: 401 is reported, and 503 whose text names one of the two; only these are read as that.',
    'The statuses 503, 2554 and 2555 are partly unconfirmed; otherwise they are read as a mistake in our request.',
    'The meaning of 100, 101, 102, 200, 214, 277 and 2553: they count as a mistake of this deployment, without holding up other connections.',
    'That the signed calls work on the hosts of the US medical cloud was seen in one client only.',
    'The effect of a refresh token used after its grace is not documented, beyond that it is invalid; the strictest is assumed.',
    'Whether a refresh ends the previous access token is not documented; it is assumed that it does.',
    'Which parameters of a revocation are signed: action, client_id and nonce is what other code signs.',
  ],
  sandbox: withingsSandbox,
});
