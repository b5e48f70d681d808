import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { corosNotifications } from './coros.notifications.js';
import { corosSandbox } from './coros.sandbox.js';

/** COROS, OAuth 2.0; a private API for partners, whose documents are not public. */
export const corosDefinition = defineProvider({
  slug: 'coros',
  displayName: 'COROS',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://open.coros.com/oauth2/authorize',
  tokenUrl: 'https://open.coros.com/oauth2/accesstoken',
  refreshUrl: 'https://open.coros.com/oauth2/refresh-token',
  apiBaseUrl: 'https://open.coros.com',
  dataApi: { tokenParameter: 'token' },
  defaultScopes: [],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 2_592_000,
  refreshExtendsToken: true,
  responseDialect: {
    // "Authentication" is read as ours and "permission" as the user's, so that a wrong secret never ends a connection.
    // It may be about one user all the same, so it is not the code that opens the circuit breaker for all.
    status: { field: 'result', success: '0000', errors: { '5006': 'unauthorized_client', '30009': 'invalid_grant' } },
    noTokenType: true,
  },
  account: { from: 'token-response', field: 'openId' },
  refresh: {
    rotates: 'never',
    reuse: 'ignored',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: false,
    timeoutMs: 10_000,
  },
  // The token has to travel in the URL; no other way is known.
  revocation: {
    proof: 'query',
    method: 'POST',
    url: 'https://open.coros.com/oauth2/deauthorize',
    parameter: 'token',
  },
  notifications: corosNotifications,
  docsUrl: 'https://support.coros.com/hc/en-us/articles/17085887816340',
  uncertain: [
    'The documents for partners are private; the facts come from other implementations.',
    'The meaning of the result 5006 (authentication) at the token endpoint: it counts as a mistake of this deployment, without holding up other connections.',
    'The meaning of the result 30009 (permission) at the token endpoint: it counts as the end of the grant.',
    'Whether any scope means anything: some clients send "workout"; none is sent.',
    'Whether the token response has token_type; it is not asked for.',
    'PKCE is not documented; it is not sent.',
  ],
  sandbox: corosSandbox,
});
