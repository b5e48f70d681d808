import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { huaweiHealthKitSandboxNotification } from './huawei-health-kit.sandbox-notification.js';

/**
 * Huawei Health Kit's account service as Huawei's reference and its discovery document describe it. It has the odd
 * callback: the code arrives by POST and is named `authorization_code`. The plain callback is in
 * huawei-health-kit.provider.spec.ts.
 *
 * Documented and not imitated: `openid` must be the first scope.
 *
 * Assumed:
 * - A refresh without a new refresh token always leaves the field out.
 * - A refused code gets the numbers of a refused refresh token. The other errors have their standard names.
 * - Errors have status 400 or 401.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - The code's lifetime.
 * - The old access token stays valid after a refresh, which brings no ID token.
 * - The status of a revocation, also for an unknown token.
 * - The path of the data call.
 *
 * Of the two documented algorithms of the ID token PS256 is used.
 */
export const huaweiHealthKitSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2/v3/authorize',
  tokenPath: '/oauth2/v3/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: [
    'openid',
    'https://www.huawei.com/healthkit/step.read',
    'https://www.huawei.com/healthkit/heartrate.read',
    'https://www.huawei.com/healthkit/sleep.read',
    'https://www.huawei.com/healthkit/activity.read',
    'https://www.huawei.com/healthkit/huaweihealthdata.cloudsync',
  ],
  authorizeParams: { access_type: 'offline' },
  issuers: ['https://accounts.huawei.com'],
  callback: 'form_post',
  codeParameter: 'authorization_code',
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  idToken: {
    issuer: 'https://accounts.huawei.com',
    algorithm: 'PS256',
    documentedAlgorithms: ['RS256', 'PS256'],
    jwksPath: '/oauth2/v3/certs',
    claims: (accountId) => ({ openid: accountId, sub: `union-${accountId}` }),
  },
  errorResponse: (error, description) => {
    switch (error) {
      case 'invalid_grant':
        return { error: 1203, sub_error: 11_205, error_description: description };
      case 'invalid_client':
        return { error: 1101, sub_error: 12_304, error_description: 'invalid client_secret' };
      default:
        return { error, error_description: description };
    }
  },
  apiBasePath: '/healthkit/v2',
  apiPath: '/healthkit/v2/sampleSets',
  revoke: { proof: 'token', method: 'POST', path: '/oauth2/v3/revoke', status: 200 },
  notify: huaweiHealthKitSandboxNotification,
};
