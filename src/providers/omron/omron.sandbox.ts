import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { omronSandboxNotification } from './omron.sandbox-notification.js';

/**
 * Omron Wellness as the partner API for the United States describes it.
 *
 * Assumed:
 * - A refresh without the redirect URI is refused. The provider's sample sends it.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The lifetimes of code and access token.
 * - PKCE parameters are ignored.
 * - The token response has `scope` (RFC 6749 section 5.1).
 * - The 200 of a revocation, and the path of the data call.
 * - Issuer, algorithm and key path of the ID token, which nobody here reads.
 */
export const omronSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/connect/authorize',
  tokenPath: '/connect/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['bloodpressure', 'activity', 'openid', 'offline_access'],
  scopeInTokenResponse: true,
  redirectUriOnRefresh: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  idToken: { issuer: 'https://oauth.omronwellness.com', algorithm: 'RS256' },
  apiPath: '/api/measurement',
  revoke: { proof: 'client', method: 'POST', path: '/connect/revocation', status: 200 },
  notify: omronSandboxNotification,
};
