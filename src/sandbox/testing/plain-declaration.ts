import type { OAuth2SandboxMaker } from '../../provider-kit/definition/sandbox-maker.js';

/** A maker without peculiarities, for specs that add one. */
export const plainDeclaration: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/authorize',
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeSeparator: ' ',
  scopes: ['a', 'b'],
  scopeInTokenAnswer: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  apiPath: '/data',
};
