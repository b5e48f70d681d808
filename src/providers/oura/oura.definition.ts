import { defineProvider } from '../../provider-kit/provider-definition.js';
import { ouraSandbox } from './oura.sandbox.js';

/**
 * Oura API v2, OAuth 2.0. Apps made in the classic portal use the authorisation server given first; for those made in the new
 * portal set OURA_SERVER=portal (README.md).
 */
export const ouraDefinition = defineProvider({
  slug: 'oura',
  displayName: 'Oura',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://cloud.ouraring.com/oauth/authorize',
  tokenUrl: 'https://api.ouraring.com/oauth/token',
  servers: {
    portal: {
      authorizeUrl: 'https://moi.ouraring.com/oauth/v2/ext/oauth-authorize',
      tokenUrl: 'https://moi.ouraring.com/oauth/v2/ext/oauth-token',
    },
  },
  apiBaseUrl: 'https://api.ouraring.com/v2/usercollection',
  defaultScopes: ['email', 'personal', 'daily', 'heartrate', 'workout', 'tag', 'session', 'spo2'],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'callback',
  accessTokenLifetimeSeconds: 86_400,
  account: { from: 'api', url: 'https://api.ouraring.com/v2/usercollection/personal_info', field: 'id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  // The one place where a token has to travel in a URL; the documented call knows no other way.
  revocation: {
    proof: 'query',
    method: 'POST',
    url: 'https://api.ouraring.com/oauth/revoke',
    parameter: 'access_token',
  },
  docsUrl: 'https://cloud.ouraring.com/docs/authentication',
  uncertain: [
    'The verb of the revoke call: POST is what other code uses, the page names none.',
    'Whether the revoke call takes tokens of the new authorisation server.',
    'The life of a refresh token, and what a second use of one does; the strictest is assumed.',
    'The endpoints of the new authorisation server come from issues and other code, not from an official page.',
  ],
  sandbox: ouraSandbox,
});
