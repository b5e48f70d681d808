import type { OAuth1SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { fitbitSandboxNotification } from '../fitbit-sandbox-notification.js';

/**
 * Fitbit over OAuth 1.0a, gone since 2016. Tokens did not expire and could not be revoked. The field `encoded_user_id`
 * is that of old client libraries.
 */
export const fitbitOauth1Sandbox: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/oauth/authorize',
  requestTokenPath: '/oauth/request_token',
  accessTokenPath: '/oauth/access_token',
  signatureMethod: 'HMAC-SHA1',
  tokenResponseExtras: (accountId) => ({ encoded_user_id: accountId }),
  apiBasePath: '/1',
  apiPath: '/1/user/-/profile.json',
  notify: fitbitSandboxNotification,
};
