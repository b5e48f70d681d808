import type { OAuth1SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * FatSecret as https://platform.fatsecret.com/docs/guides/authentication/oauth1/three-legged describes it. It takes
 * HMAC-SHA1 only. Tokens do not expire, the token response has no user id, and no call ends a grant.
 *
 * Reported by clients: a token call with its parameters in the header is refused as if it lacked them.
 *
 * Assumed:
 * - Data calls take the header.
 * - The access token is fetched by POST only. Clients use GET too.
 * - A wrong signature gets 401.
 *
 * A timestamp that is too far from now is refused. Timestamps that go backwards are accepted, unlike at FatSecret.
 */
export const fatsecretSandbox: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  tellsNoUserId: true,
  requestTokenPath: '/oauth/request_token',
  authorizePath: '/oauth/authorize',
  accessTokenPath: '/oauth/access_token',
  signatureMethod: 'HMAC-SHA1',
  tokenParametersIn: 'form',
  apiBasePath: '/rest',
  apiPath: '/rest',
};
