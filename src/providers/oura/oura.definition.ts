import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { ouraNotifications } from './oura.notifications.js';
import { ouraClassicSandbox, ouraSandbox } from './oura.sandbox.js';

/**
 * Oura API v2, OAuth 2.0. Apps of the new portal use the authorization server that comes first here; for apps of the
 * classic portal set OURA_SERVER=classic (README.md).
 */
export const ouraDefinition = defineProvider({
  slug: 'oura',
  displayName: 'Oura',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://moi.ouraring.com/oauth/v2/ext/oauth-authorize',
  tokenUrl: 'https://moi.ouraring.com/oauth/v2/ext/oauth-token',
  servers: {
    portal: {},
    classic: {
      authorizeUrl: 'https://cloud.ouraring.com/oauth/authorize',
      tokenUrl: 'https://api.ouraring.com/oauth/token',
      issuers: [],
      pkce: 'unsupported',
      defaultScopes: ['email', 'personal', 'daily', 'heartrate', 'workout', 'tag', 'session', 'spo2'],
      grantedScopesIn: 'callback',
      // The one place where a token has to travel in a URL; the documented call knows no other way.
      revocation: {
        proof: 'query',
        method: 'POST',
        url: 'https://api.ouraring.com/oauth/revoke',
        parameter: 'access_token',
      },
      sandbox: ouraClassicSandbox,
    },
  },
  apiBaseUrl: 'https://api.ouraring.com/v2/usercollection',
  defaultScopes: [
    'extapi:personal',
    'extapi:daily',
    'extapi:heartrate',
    'extapi:workout',
    'extapi:tag',
    'extapi:session',
    'extapi:spo2',
    'extapi:stress',
    'extapi:heart_health',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'supported',
  issuers: ['https://moi.ouraring.com/oauth/v2/ext/oauth-anonymous'],
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'api', url: 'https://api.ouraring.com/v2/usercollection/personal_info', field: 'id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://moi.ouraring.com/oauth/v2/ext/oauth-revoke' },
  notifications: ouraNotifications,
  docsUrl: 'https://cloud.ouraring.com/docs/authentication',
  uncertain: [
    'The endpoints of the new authorization server come from its discovery document as another client read it, not from a page of the provider.',
    'Whether the new server grants bare scope names: two repositories say that it silently does not, one sends them and does not complain.',
    'The verb of the classic revoke call: POST is what other code uses, the page names none.',
    'The life of an access token: the classic page says 24 hours, a log shows one with 14 days left; only the response counts.',
    'The life of a refresh token, and what a second use of one does; the strictest is assumed.',
    'The address of the documentation is reconstructed.',
  ],
  sandbox: ouraSandbox,
});
