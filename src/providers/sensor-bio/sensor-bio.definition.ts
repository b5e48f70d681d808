import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { sensorBioSandbox } from './sensor-bio.sandbox.js';

/** Sensor Bio, OAuth 2.0. */
export const sensorBioDefinition = defineProvider({
  slug: 'sensor-bio',
  displayName: 'Sensor Bio',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://auth.sensorbio.com/authorize',
  tokenUrl: 'https://auth.sensorbio.com/token',
  apiBaseUrl: 'https://api.sensorbio.com',
  defaultScopes: [],
  scopeSeparator: ' ',
  clientAuthentication: 'body',
  pkce: 'unsupported',
  grantedScopesIn: 'nowhere',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'api', url: 'https://api.sensorbio.com/v1/user', field: 'data.id' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: undefined,
  docsUrl: 'https://developers.sensorbio.com/',
  uncertain: [
    'Where the authorization page is: one page names api.sensorbio.com/oauth/authorize, one client auth.sensorbio.com/authorize; the client is followed.',
    'Which scopes exist; none is requested.',
    'The lifetimes of the tokens are not published.',
    'Whether a refresh replaces the refresh token, and the fate of the old tokens; the strictest is assumed.',
    'Whether and how a grant can be revoked.',
    'API calls are asked to use HTTP/2; Cufflink and its proxy use HTTP/1.1.',
  ],
  sandbox: sensorBioSandbox,
});
