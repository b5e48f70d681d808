import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/** A provider without peculiarities, for specs that add one. */
export const plainDefinition: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/authorize',
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['a', 'b'],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  apiPath: '/data',
};
