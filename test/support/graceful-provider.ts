import {
  defineProvider,
  type OAuth2Definition,
  type RefreshPolicy,
} from '../../src/provider-kit/definition/provider-definition.js';

/** How a graceful provider treats a used refresh token, and what its definition says of it. */
export interface Grace {
  /** For so long it is taken again; after that it ends the grant. */
  readonly seconds: number;
  readonly response: 'same' | 'further';
  /** The strictest value for a provider whose window nobody knows of. */
  readonly declared: RefreshPolicy['grace'];
}

/** Declares a test provider that takes a used refresh token again for some seconds; the vendor sandbox has its fake. */
export function defineGraceful(slug: string, { seconds, response, declared }: Grace): OAuth2Definition {
  return defineProvider({
    slug,
    displayName: `Graceful (${slug})`,
    oauth: '2.0',
    lifecycle: { status: 'live' },
    authorizeUrl: 'https://graceful.invalid/authorize',
    tokenUrl: 'https://graceful.invalid/token',
    apiBaseUrl: 'https://graceful.invalid/data',
    defaultScopes: ['activity'],
    scopeSeparator: ' ',
    clientAuthentication: 'body',
    pkce: 'required',
    grantedScopesIn: 'token-response',
    accessTokenLifetimeSeconds: undefined,
    account: { from: 'api', url: 'https://graceful.invalid/me', field: 'id' },
    refresh: {
      rotates: 'always',
      reuse: 'family-revoked',
      grace: declared,
      oldAccessTokenDiesOnRefresh: false,
      timeoutMs: 5_000,
    },
    revocation: undefined,
    docsUrl: 'https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2',
    uncertain: [],
    sandbox: {
      oauth: '2.0',
      authorizePath: '/authorize',
      tokenPath: '/token',
      clientAuthentication: 'body',
      pkce: 'required',
      scopeSeparator: ' ',
      scopes: ['activity'],
      scopeInTokenResponse: true,
      codeLifetimeSeconds: 60,
      accessTokenLifetimeSeconds: 3_600,
      rotation: 'always',
      reuse: 'family-revoked',
      reuseGrace: { seconds, response },
      oldAccessTokenDiesOnRefresh: false,
      account: { path: '/me', respond: (accountId) => ({ id: accountId }) },
      apiPath: '/data',
    },
  });
}
