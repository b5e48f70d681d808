import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { suuntoNotifications } from './suunto.notifications.js';
import { suuntoSandbox } from './suunto.sandbox.js';

/** Suunto Cloud API, OAuth 2.0; for members of Suunto's partner program. */
export const suuntoDefinition = defineProvider({
  slug: 'suunto',
  displayName: 'Suunto',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://cloudapi-oauth.suunto.com/oauth/authorize',
  tokenUrl: 'https://cloudapi-oauth.suunto.com/oauth/token',
  apiBaseUrl: 'https://cloudapi.suunto.com',
  dataApi: { headers: ['Ocp-Apim-Subscription-Key'] },
  defaultScopes: ['workout'],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 86_400,
  account: { from: 'token-response', field: 'user' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    refreshTokenIdleSeconds: 15_552_000,
    timeoutMs: 10_000,
  },
  revocation: {
    proof: 'bearer',
    method: 'GET',
    url: 'https://cloudapi-oauth.suunto.com/oauth/deauthorize?client_id={clientId}',
  },
  notifications: suuntoNotifications,
  docsUrl: 'https://apizone.suunto.com/how-to-start',
  uncertain: [
    'Whether and when a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'Whether the scope means anything: public clients send an empty one or "workout", and both link.',
    'Whether the token response reports the granted scopes; they are not read.',
    'PKCE is not documented; it is not sent.',
    'The lives of the tokens, 24 hours and 180 days, are from a mail of the provider.',
  ],
  sandbox: suuntoSandbox,
});
