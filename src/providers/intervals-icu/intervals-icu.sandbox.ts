import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

const tenYearsInSeconds = 10 * 365 * 24 * 3600;

/**
 * Intervals.icu as public clients describe it: the token response has `athlete` and `scope`, and neither a lifetime
 * nor a refresh token. Access tokens have no end; ten years stand for that here, and the response does not report
 * them. Wrong client credentials are an HTTP 404 with a text.
 *
 * Assumed:
 * - The wording of that text.
 * - PKCE parameters are ignored.
 * - An athlete's id may consist of digits only.
 * - The path of the data call, and the 200 of a revocation.
 */
export const intervalsIcuSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/api/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ',',
  scopes: [
    'ACTIVITY:READ',
    'ACTIVITY:WRITE',
    'WELLNESS:READ',
    'WELLNESS:WRITE',
    'CALENDAR:READ',
    'CALENDAR:WRITE',
    'CHATS:READ',
    'CHATS:WRITE',
    'LIBRARY:READ',
    'LIBRARY:WRITE',
    'SETTINGS:READ',
    'SETTINGS:WRITE',
  ],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 120,
  accessTokenLifetimeSeconds: tenYearsInSeconds,
  issuesRefreshToken: false,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponse: ({ access_token, token_type, scope }, accountId) => ({
    access_token,
    token_type,
    scope,
    athlete: { id: accountId, name: 'Example Athlete' },
  }),
  plainTextErrors: { invalid_client: { status: 404, text: 'OAuth client not found' } },
  apiBasePath: '/api/v1',
  apiPath: '/api/v1/athlete/0/activities',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/api/v1/disconnect-app', status: 200 },
};
