import type { OAuth1SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * FatSecret as https://platform.fatsecret.com/docs/guides/authentication/oauth1/three-legged describes it: HMAC-SHA1
 * only, tokens that do not expire, no user id in the token response and no call that ends a grant.
 *
 * Reported by clients: a token call whose parameters are in the header is refused as lacking them.
 *
 * Assumed: that data calls take the header, POST alone for the access token (GET is seen too), and the 401 of a refused
 * signature. Not looked at: timestamps that go backwards, which FatSecret refuses; one that is too far from now is
 * refused.
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
