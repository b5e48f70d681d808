import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { intervalsIcuSandbox } from './intervals-icu.sandbox.js';

/** Intervals.icu, OAuth 2.0 with access tokens that never expire. */
export const intervalsIcuDefinition = defineProvider({
  slug: 'intervals-icu',
  displayName: 'Intervals.icu',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  // The token path has /api, the authorization path has not.
  authorizeUrl: 'https://intervals.icu/oauth/authorize',
  tokenUrl: 'https://intervals.icu/api/oauth/token',
  apiBaseUrl: 'https://intervals.icu/api/v1',
  defaultScopes: ['ACTIVITY:READ', 'WELLNESS:READ', 'SETTINGS:READ'],
  scopeSeparator: ',',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  codeLifetimeSeconds: 120,
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  neverExpires: true,
  noRefreshToken: true,
  // Nothing in the response says that a wrong client is meant, and a code must not be blamed for one.
  plainTextErrors: [{ status: 404, error: 'invalid_client' }],
  account: { from: 'token-response', field: 'athlete.id' },
  // Nothing is ever refreshed.
  refresh: {
    rotates: 'never',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'bearer', method: 'DELETE', url: 'https://intervals.icu/api/v1/disconnect-app' },
  docsUrl: 'https://intervals.icu/api/v1/docs/swagger-ui/index.html',
  uncertain: [
    'The official OAuth page is a forum post that was not read; the facts are from ten public clients that agree.',
    'The address of the documentation is from memory.',
    'PKCE is not documented; it is not sent.',
    'The text of the HTTP 404 that reports a wrong client is not known; any plain text counts.',
  ],
  sandbox: intervalsIcuSandbox,
});
