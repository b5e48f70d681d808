import { defineProvider } from '../../provider-kit/provider-definition.js';
import { polarV4Sandbox } from './polar-v4.sandbox.js';

/** Polar Dynamic API (AccessLink v4), OAuth 2.0; other hosts and other tokens than AccessLink v3. */
export const polarV4Definition = defineProvider({
  slug: 'polar-v4',
  displayName: 'Polar (v4)',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://auth.polar.com/oauth/authorize',
  tokenUrl: 'https://auth.polar.com/oauth/token',
  apiBaseUrl: 'https://www.polaraccesslink.com/v4/data',
  defaultScopes: [
    'activity:read',
    'sleep:read',
    'nightly_recharge:read',
    'continuous_samples:read',
    'training_sessions:read',
    'profile:read',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: 43_199,
  account: { from: 'nowhere' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://www.polar.com/accesslink-api/',
  uncertain: [
    'Where Polar publishes the reference of v4: the endpoints, Basic authentication, scopes and the life of a token come from other code.',
    'How to learn the user: neither a field of the token answer nor an endpoint is confirmed.',
    'Whether a refresh replaces the refresh token and what becomes of the old tokens; the strictest is assumed.',
    'The life of a refresh token, and how to end a grant.',
    'PKCE is not documented; it is not sent.',
    'Whether the token answer tells the granted scopes; they are not read.',
  ],
  sandbox: polarV4Sandbox,
});
