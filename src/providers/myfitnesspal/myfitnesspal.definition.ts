import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { myfitnesspalSandbox } from './myfitnesspal.sandbox.js';

/** MyFitnessPal API v2, OAuth 2.0. */
export const myfitnesspalDefinition = defineProvider({
  slug: 'myfitnesspal',
  displayName: 'MyFitnessPal',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://api.myfitnesspal.com/v2/oauth2/auth',
  tokenUrl: 'https://api.myfitnesspal.com/v2/oauth2/token',
  apiBaseUrl: 'https://api.myfitnesspal.com/v2',
  defaultScopes: ['diary', 'measurements'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'token-response', field: 'user_id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://api.myfitnesspal.com/v2/oauth2/revoke' },
  docsUrl: 'https://myfitnesspalapi.com/docs/user-authentication',
  uncertain: [
    'The lifetimes of the tokens are not published.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    "Where the user's id is: user_id of the token response is assumed; without it the account is unknown.",
    'The form of a revocation was not read in detail; that of RFC 7009 is sent.',
    'Whether a token response for further scopes covers the scopes that were granted before.',
    "Whether data calls need headers with the client id and the user's id.",
  ],
  sandbox: myfitnesspalSandbox,
});
