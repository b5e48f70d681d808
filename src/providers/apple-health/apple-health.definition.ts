import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { appleHealthNotifications } from './apple-health.notifications.js';
import { appleHealthSandbox } from './apple-health.sandbox.js';

/** Sign in with Apple. It links the person; Apple has no cloud API for health samples (README.md). */
export const appleHealthDefinition = defineProvider({
  slug: 'apple-health',
  displayName: 'Apple Health',
  brandColor: '#000000',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://appleid.apple.com/auth/authorize',
  tokenUrl: 'https://appleid.apple.com/auth/token',
  apiBaseUrl: undefined,
  defaultScopes: ['name', 'email'],
  scopeSeparator: ' ',
  clientAuthentication: 'es256-jwt',
  // Apple takes up to 15,777,000 seconds; one that leaks should be worth little.
  clientSecretJwt: { audience: 'https://appleid.apple.com', lifetimeSeconds: 3_600 },
  pkce: 'unsupported',
  extraAuthorizeParams: { response_mode: 'form_post' },
  nonce: true,
  deniedError: 'user_cancelled_authorize',
  codeLifetimeSeconds: 300,
  // Apple's discovery document named the second one for two days of June 2025. Only names: the endpoints stay where
  // they are.
  issuers: ['https://appleid.apple.com', 'https://account.apple.com'],
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 3_600,
  minRefreshIntervalSeconds: 86_400,
  account: { from: 'id-token', jwksUrl: 'https://appleid.apple.com/auth/keys' },
  refresh: {
    rotates: 'never',
    reuse: 'ignored',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://appleid.apple.com/auth/revoke' },
  notifications: appleHealthNotifications,
  docsUrl: 'https://developer.apple.com/documentation/signinwithapplerestapi',
  uncertain: [
    'PKCE is not documented for Sign in with Apple on the web; it is not sent.',
    'Whether a refresh ends the previous access token is not documented; the strictest is assumed.',
    "The names of Apple's server-to-server events are not confirmed; no such event is received here.",
    'The exact pages below developer.apple.com/documentation are not confirmed.',
  ],
  sandbox: appleHealthSandbox,
});
