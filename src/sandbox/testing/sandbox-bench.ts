import { afterEach, beforeEach } from '@jest/globals';
import type {
  OAuth1SandboxDefinition,
  OAuth2SandboxDefinition,
} from '../../provider-kit/definition/sandbox-definition.js';
import type { FakeProvider } from '../fake-provider.js';
import type { VendorSandbox } from '../vendor-sandbox.js';
import { plainDefinition } from './plain-definition.js';
import { OAuth2Driver, startSandbox, type TestClock } from './sandbox-driver.js';

/** A provider with an account call and a revocation, where the user picks the scopes. */
export const definition: OAuth2SandboxDefinition = {
  ...plainDefinition,
  scopes: ['a', 'b', 'c'],
  userPicksScopes: true,
  account: { path: '/me', respond: (accountId) => ({ id: accountId }) },
  revoke: { proof: 'bearer', method: 'DELETE', path: '/revoke', status: 204 },
};

const oauth1: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/authorize',
  requestTokenPath: '/request_token',
  accessTokenPath: '/access_token',
  signatureMethod: 'HMAC-SHA1',
  apiPath: '/data',
};

export let sandbox: VendorSandbox;
export let clock: TestClock;
/** The provider `one` of the sandbox. */
export let fake: FakeProvider;
export let driver: OAuth2Driver;

/**
 * Gives each test around it a sandbox of its own. `one` has the definition above, `old` speaks OAuth 1.0a, and at
 * `fixed` the user cannot pick scopes.
 */
export function useSandbox(): void {
  beforeEach(async () => {
    ({ sandbox, clock } = await startSandbox({
      one: definition,
      old: oauth1,
      fixed: { ...definition, userPicksScopes: false },
    }));
    fake = sandbox.provider('one');
    driver = new OAuth2Driver(fake);
  });

  afterEach(() => sandbox.stop());
}
