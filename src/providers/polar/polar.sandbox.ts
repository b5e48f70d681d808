import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { polarSandboxNotification } from './polar.sandbox-notification.js';
import { polarSandboxSubscriptions } from './polar.sandbox-subscriptions.js';

/**
 * Polar AccessLink v3 as https://www.polar.com/accesslink-api/ describes it.
 *
 * Assumed:
 * - The value of `expires_in`, which is known to be very large.
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - A request without `scope` is refused. The token response has no scope.
 * - The statuses of the registration and the deletion.
 * - The path of data calls.
 * - A deleted user stays registered.
 */
export const polarSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth2/authorization',
  tokenPath: '/v2/oauth2/token',
  clientAuthentication: 'basic',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['accesslink.read_all'],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  // More than ten years and than 31 bits.
  accessTokenLifetimeSeconds: 4_000_000_000,
  issuesRefreshToken: false,
  rotation: 'never',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponseExtras: (accountId) => ({ x_user_id: Number(accountId) }),
  apiBasePath: '/v3',
  apiPath: '/v3/exercises',
  apiNeedsFact: 'registered',
  endpoints: [
    ...polarSandboxSubscriptions,
    {
      method: 'POST',
      path: '/v3/users',
      respond: (call) => {
        const { json, bearerAccountId } = call;
        if (bearerAccountId === undefined) {
          return { status: 401, json: { error: 'invalid_token' } };
        }
        const memberId = json['member-id'];
        if (typeof memberId !== 'string' || memberId === '') {
          return { status: 400, json: { error: 'member-id is missing' } };
        }
        const fact = `registered:${bearerAccountId}`;
        if (call.has(fact)) {
          return { status: 409, json: { error: 'already registered' } };
        }
        call.remember(fact);
        return { status: 200, json: { 'polar-user-id': Number(bearerAccountId), 'member-id': memberId } };
      },
    },
  ],
  revoke: { proof: 'bearer', method: 'DELETE', path: '/v3/users/{accountId}', status: 204 },
  notify: polarSandboxNotification,
};
