import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';
import { OAuth2Driver, startSandbox, type TestClock } from './sandbox-driver.js';

/** Every check switched on; `plain` differs where a provider may. */
const strict: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/o/authorize',
  tokenPath: '/o/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: ['offline', 'read:a', 'read:b'],
  stateMinimumLength: 8,
  userPicksScopes: true,
  scopeInCallback: true,
  refreshTokenNeedsScope: 'offline',
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 3600,
  refreshTokenLifetimeSeconds: 7200,
  rotation: 'always',
  reuse: 'family-revoked',
  oldAccessTokenDiesOnRefresh: true,
  scopeOnRefresh: 'offline',
  account: { path: '/me', respond: (accountId) => ({ id: accountId }), scope: 'read:a' },
  apiPath: '/data',
  revoke: { proof: 'client', method: 'POST', path: '/o/revoke', status: 200 },
};

const plain: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/o/authorize',
  tokenPath: '/o/token',
  clientAuthentication: 'body',
  pkce: 'supported',
  scopeSeparator: ',',
  scopes: ['a', 'b'],
  omittedScopeMeansAll: true,
  malformedAuthorizeIsNotRedirected: true,
  scopeInTokenResponse: { constant: 'SAME ALWAYS' },
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  replaysRefreshUntilNewTokenUsed: true,
  oneRefreshTokenPerUser: true,
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponseExtras: (accountId) => ({ user_id: accountId }),
  errorResponse: (error, description, token) => ({ errors: [{ error, description, token }] }),
  apiPath: '/data',
  revoke: { proof: 'query', method: 'POST', path: '/o/revoke', status: 204, parameter: 'access_token' },
};

const still: OAuth2SandboxDefinition = {
  ...plain,
  pkce: 'ignored',
  scopes: [],
  rotation: 'never',
  revoke: { proof: 'bearer', method: 'DELETE', path: '/o/revoke', status: 204 },
};

export let sandbox: VendorSandbox;
export let clock: TestClock;
export let strictProvider: OAuth2Driver;
export let plainProvider: OAuth2Driver;
export let stillProvider: OAuth2Driver;

/** Starts one sandbox with the three providers for the tests around it. Grants of the strict one end before each test. */
export function useProviders(): void {
  beforeAll(async () => {
    ({ sandbox, clock } = await startSandbox({ strict, plain, still }));
    strictProvider = new OAuth2Driver(sandbox.provider('strict'));
    plainProvider = new OAuth2Driver(sandbox.provider('plain'));
    stillProvider = new OAuth2Driver(sandbox.provider('still'));
  });

  afterAll(() => sandbox.stop());

  beforeEach(() => sandbox.provider('strict').revokeGrant('all'));
}
