import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { rideWithGpsSandboxNotification } from './ride-with-gps.sandbox-notification.js';

const tenYearsInSeconds = 10 * 365 * 24 * 3600;

/**
 * Ride with GPS as https://github.com/ridewithgps/developers/blob/master/authentication.md describes it. The token
 * response has `created_at`, `scope` and `user_id`, and neither a lifetime nor a refresh token. Access tokens do not
 * expire. Here they live for ten years, and the response does not report them.
 *
 * Assumed:
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - `user_id` is a number.
 * - The 200 of a revocation, and the path of the data call.
 * - No other scope exists.
 */
export const rideWithGpsSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token.json',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['user'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: tenYearsInSeconds,
  issuesRefreshToken: false,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponse: ({ access_token, token_type, scope }, accountId) => ({
    access_token,
    token_type,
    scope,
    created_at: 1_796_000_000,
    user_id: Number(accountId),
  }),
  apiBasePath: '/api/v1',
  apiPath: '/api/v1/users',
  revoke: { proof: 'client', method: 'POST', path: '/oauth/revoke.json', status: 200 },
  notify: rideWithGpsSandboxNotification,
};
