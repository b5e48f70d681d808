import { defineProvider, type OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import { dexcomSandbox } from './dexcom.sandbox.js';

/**
 * The regions are separate systems with the same paths. A user's account is in one, and the connection keeps which by
 * its slug.
 */
function dexcomRegion(slug: string, displayName: string, host: string): OAuth2Definition {
  return defineProvider({
    slug,
    displayName,
    oauth: '2.0',
    lifecycle: { status: 'live' },
    authorizeUrl: `https://${host}/v3/oauth2/login`,
    tokenUrl: `https://${host}/v3/oauth2/token`,
    apiBaseUrl: `https://${host}/v3`,
    defaultScopes: ['offline_access'],
    scopeSeparator: ' ',
    clientAuthentication: 'body',
    pkce: 'unsupported',
    codeLifetimeSeconds: 60,
    grantedScopesIn: 'token-response',
    accessTokenLifetimeSeconds: 7200,
    refreshExpiresInField: 'refresh_expires_in',
    account: { from: 'nowhere' },
    refresh: {
      rotates: 'always',
      reuse: 'family-revoked',
      grace: 'none',
      oldAccessTokenDiesOnRefresh: true,
      refreshTokenIdleSeconds: 31_536_000,
      timeoutMs: 10_000,
    },
    revocation: undefined,
    docsUrl: 'https://developer.dexcom.com/docs/dexcom/authentication',
    uncertain: [
      "Where the user's id can be read: some code reads it from the token response, other code from data responses.",
      'The effect of a second use of a refresh token, and the fate of the old access token; the strictest is assumed.',
      'No way to end a grant was found.',
      'Whether the token response reports the granted scopes; they are read if it does.',
      'Whether the older login path /v2/oauth2 has an end date.',
    ],
    sandbox: dexcomSandbox,
  });
}

/** The United States. */
export const dexcomDefinition = dexcomRegion('dexcom', 'Dexcom', 'api.dexcom.com');

/** Outside the United States and Japan. */
export const dexcomEuDefinition = dexcomRegion('dexcom-eu', 'Dexcom (outside the US)', 'api.dexcom.eu');

export const dexcomJpDefinition = dexcomRegion('dexcom-jp', 'Dexcom (Japan)', 'api.dexcom.jp');
