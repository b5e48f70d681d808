import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseHuaweiErrorCode } from './huawei-health-kit-error.js';
import { huaweiHealthKitNotifications } from './huawei-health-kit.notifications.js';
import { huaweiHealthKitSandbox } from './huawei-health-kit.sandbox.js';

/** Huawei Health Kit, cloud side, OAuth 2.0 with OpenID Connect. */
export const huaweiHealthKitDefinition = defineProvider({
  slug: 'huawei-health-kit',
  displayName: 'Huawei Health Kit',
  brandColor: '#ff0000',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://oauth-login.cloud.huawei.com/oauth2/v3/authorize',
  tokenUrl: 'https://oauth-login.cloud.huawei.com/oauth2/v3/token',
  apiBaseUrl: 'https://health-api.cloud.huawei.com/healthkit/v2',
  // The provider wants openid first.
  defaultScopes: [
    'openid',
    'https://www.huawei.com/healthkit/step.read',
    'https://www.huawei.com/healthkit/heartrate.read',
    'https://www.huawei.com/healthkit/sleep.read',
    'https://www.huawei.com/healthkit/activity.read',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'supported',
  issuers: ['https://accounts.huawei.com'],
  extraAuthorizeParams: { access_type: 'offline' },
  codeParameters: ['code', 'authorization_code'],
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 3600,
  // The provider's notifications name users by `openid`; connections of earlier releases are known by `sub`.
  account: {
    from: 'id-token',
    claim: 'openid',
    formerClaim: 'sub',
    jwksUrl: 'https://oauth-login.cloud.huawei.com/oauth2/v3/certs',
    algorithms: ['RS256', 'PS256'],
  },
  refresh: {
    rotates: 'never',
    reuse: 'ignored',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'token', method: 'POST', url: 'https://oauth-login.cloud.huawei.com/oauth2/v3/revoke' },
  parseErrorCode: parseHuaweiErrorCode,
  notifications: huaweiHealthKitNotifications,
  docsUrl: 'https://developer.huawei.com/consumer/en/doc/hmscore-guides/auth-example-0000001054581058',
  uncertain: [
    'The life of a refresh token, about 180 days, is from a response in a support forum.',
    'Whether the code still comes as authorization_code; both names are read.',
    'Whether PKCE, which the discovery document offers, applies to Health Kit scopes; it is sent.',
    'The fate of the old access token at a refresh; its end is assumed.',
    'Other numeric error codes than those of a dead refresh token and a wrong client secret; they count as an outage.',
    'Issuer, keys and algorithms of the ID token are those of the discovery document as the reference reproduces it.',
    'Whether a refresh brings an ID token, from which a connection of an earlier release learns the new id of its user.',
    'Whether the token response reports the granted scopes; they are read if it does.',
    "One source says that no revocation exists; the provider's reference describes it.",
  ],
  sandbox: huaweiHealthKitSandbox,
});
