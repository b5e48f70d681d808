import type { OAuth1SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { garminOauth1SandboxNotification } from './garmin-oauth1.sandbox-notification.js';

/**
 * Garmin Connect over OAuth 1.0a, until its retirement on 31 December 2026.
 *
 * The verifier must be in the signed Authorization header: Garmin refuses it in the body.
 *
 * Assumed:
 * - A deregistration responds with 204. It also ends the grant that the token was exchanged for, because a user is
 *   registered once.
 * - A second exchange is refused.
 */
export const garminOauth1Sandbox: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/oauthConfirm',
  requestTokenPath: '/oauth-service/oauth/request_token',
  accessTokenPath: '/oauth-service/oauth/access_token',
  signatureMethod: 'HMAC-SHA1',
  account: { path: '/wellness-api/rest/user/id', respond: (accountId) => ({ userId: accountId }) },
  apiBasePath: '/wellness-api/rest',
  apiPath: '/wellness-api/rest/dailies',
  exchange: {
    path: '/partner-gateway/rest/user/token-exchange',
    successor: 'garmin',
    tokenLivesOnSeconds: 30 * 86_400,
  },
  revoke: { method: 'DELETE', path: '/wellness-api/rest/user/registration', status: 204 },
  notify: garminOauth1SandboxNotification,
};
