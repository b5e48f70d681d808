import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { ouraSandboxNotification } from './oura.sandbox-notification.js';
import { ouraSandboxSubscriptions } from './oura.sandbox-subscriptions.js';

const account = {
  path: '/v2/usercollection/personal_info',
  respond: (accountId: string) => ({ id: accountId, email: 'sandbox@example.test' }),
};

/**
 * Oura API v2 with the new authorization server, as its discovery document describes it. S256 is supported and not
 * required. The client authenticates in the form. A revocation follows RFC 7009. Clients report that scope names
 * without `extapi:` are granted as nothing. Here they are refused, so that a request for them is noticed.
 *
 * Assumed:
 * - The token response has the granted scopes.
 * - The lifetimes of code and access token.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - No callback names the issuer.
 * - The 200 of a revocation.
 *
 * The ID token that comes with the tokens is left out: nobody here reads it.
 */
export const ouraSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/v2/ext/oauth-authorize',
  tokenPath: '/oauth/v2/ext/oauth-token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ' ',
  scopes: [
    'extapi:email',
    'extapi:personal',
    'extapi:daily',
    'extapi:heartrate',
    'extapi:workout',
    'extapi:tag',
    'extapi:session',
    'extapi:spo2',
    'extapi:ring_configuration',
    'extapi:stress',
    'extapi:heart_health',
  ],
  issuers: ['https://moi.ouraring.com/oauth/v2/ext/oauth-anonymous'],
  userPicksScopes: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  account,
  apiBasePath: '/v2/usercollection',
  apiPath: '/v2/usercollection/daily_activity',
  revoke: { proof: 'client', method: 'POST', path: '/oauth/v2/ext/oauth-revoke', status: 200 },
  endpoints: ouraSandboxSubscriptions,
  notify: ouraSandboxNotification,
};

/**
 * Oura API v2 with the classic authorization server, as https://cloud.ouraring.com/docs/authentication describes it.
 *
 * Assumed:
 * - The client authenticates in the body only. Both kinds appear to work.
 * - The code's lifetime.
 * - A used refresh token is refused without further consequences.
 * - Method and status of the revocation.
 */
export const ouraClassicSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/oauth/authorize',
  tokenPath: '/oauth/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: [
    'email',
    'personal',
    'daily',
    'heartrate',
    'workout',
    'tag',
    'session',
    'spo2',
    'spo2Daily',
    'ring_configuration',
    'stress',
    'heart_health',
  ],
  omittedScopeMeansAll: true,
  userPicksScopes: true,
  scopeInCallback: true,
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 86_400,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  account,
  apiBasePath: '/v2/usercollection',
  apiPath: '/v2/usercollection/daily_activity',
  revoke: { proof: 'query', method: 'POST', path: '/oauth/revoke', status: 200, parameter: 'access_token' },
  endpoints: ouraSandboxSubscriptions,
  notify: ouraSandboxNotification,
};
