import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { parseIhealthErrorCode } from './ihealth-error.js';
import { ihealthNotifications } from './ihealth.notifications.js';
import { ihealthSandbox } from './ihealth.sandbox.js';

/** iHealth Open API V2, OAuth 2.0 with names of its own. */
export const ihealthDefinition = defineProvider({
  slug: 'ihealth',
  displayName: 'iHealth',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.ihealthlabs.com:8443/OpenApiV2/OAuthv2/userauthorization/',
  tokenUrl: 'https://api.ihealthlabs.com:8443/OpenApiV2/OAuthv2/userauthorization/',
  apiBaseUrl: 'https://api.ihealthlabs.com:8443/openapiv2',
  servers: {
    us: {},
    eu: {
      authorizeUrl: 'https://oauthuser.ihealthlabs.eu/OpenApiV2/OAuthv2/userauthorization/',
      tokenUrl: 'https://oauthuser.ihealthlabs.eu/OpenApiV2/OAuthv2/userauthorization/',
      apiBaseUrl: 'https://openapi.ihealthlabs.eu/openapiv2',
    },
  },
  dataApi: { tokenParameter: 'access_token' },
  defaultScopes: ['OpenApiBP', 'OpenApiWeight'],
  scopeSeparator: ' ',
  scopeParameter: 'APIName',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 172_800,
  responseDialect: {
    fieldNames: { access_token: 'AccessToken', refresh_token: 'RefreshToken', expires_in: 'Expires' },
    noTokenType: true,
  },
  parseErrorCode: parseIhealthErrorCode,
  deadGrantErrors: [{ Error: 'unauthorized_token' }],
  account: { from: 'token-response', field: 'UserID|UserId' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  notifications: ihealthNotifications,
  docsUrl: 'https://developer.ihealthlabs.com/dev_documentation_Authentication.htm',
  uncertain: [
    'The names of the response fields and the life of 48 hours were only partly read.',
    'Whether a code is redeemed by GET or POST: two clients use GET with everything in the query, one POST at the European host; POST is used.',
    "Whether the user's id is called UserID or UserId; both are read.",
    'The European hosts are from old clients; that tokens come from the host of the consent page there, and the path of its API, are assumed.',
    'Whether a refresh replaces the refresh token, the effect of a second use, and the fate of the old access token; the strictest is assumed.',
    'Whether a dead refresh token is called unauthorized_token, as the list of errors calls a token; only that name is read so. Which HTTP status errors have.',
    'No way to end a grant was found.',
    'Whether data calls take the token anywhere but in the query, which is the only place that the documentation shows.',
  ],
  sandbox: ihealthSandbox,
});
