import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
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
  grantedScopesIn: 'token-response',
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
  docsUrl: 'https://www.polar.com/polar-api-v4/',
  uncertain: [
    'How to learn the user: which field of the profile is a stable id is not documented, and the token response has none.',
    'Whether a refresh replaces the refresh token and the fate of the old tokens; the strictest is assumed.',
    'The life of a refresh token.',
    'The specification has no revocation; a deleted connection stays at Polar until the user removes it there.',
    'PKCE is not documented; it is not sent.',
  ],
  sandbox: polarV4Sandbox,
});
