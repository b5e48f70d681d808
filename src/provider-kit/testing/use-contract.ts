import { expect, it } from '@jest/globals';
import type { ProviderDefinition } from '../definition/provider-definition.js';

/** Checks that the definition uses the provider's offers. A link works without them, so no other case notices. */
export function describeUse(definition: ProviderDefinition): void {
  const { sandbox, account } = definition;
  it("uses the documented user's id, granted scopes, API and revocation", () => {
    expect(account.from === 'nowhere').toBe(sandbox.tellsNoUserId === true);
    expect(definition.revocation !== undefined || sandbox.revoke === undefined).toBe(true);
    expect(definition.dataApi?.tokenParameter).toBe(sandbox.oauth === '2.0' ? sandbox.apiTokenParameter : undefined);
    expect(definition.dataApi?.headers).toEqual(sandbox.apiHeaders);
    expect(account.from === 'api' ? account.headers : undefined).toEqual(sandbox.account?.headers);
    const { apiBaseUrl } = definition;
    expect(apiBaseUrl && new URL(apiBaseUrl).pathname.replace(/\/$/, '')).toBe(sandbox.apiBasePath);
    if (definition.oauth === '2.0' && sandbox.oauth === '2.0') {
      const told =
        sandbox.scopeInCallback === true
          ? 'callback'
          : sandbox.scopeInTokenResponse === true
            ? 'token-response'
            : 'nowhere';
      expect(definition.grantedScopesIn).toBe(told);
      expect(definition.issuers ?? []).toEqual((sandbox.issuers ?? []).filter((issuer) => !issuer.startsWith('{')));
      const keys = account.from === 'id-token' ? account.jwksUrl : undefined;
      expect(keys && new URL(keys).pathname).toBe(sandbox.idToken?.jwksPath);
      // If the provider publishes no lifetime of a code, the fake has one nevertheless.
      expect(definition.codeLifetimeSeconds ?? sandbox.codeLifetimeSeconds).toBe(sandbox.codeLifetimeSeconds);
    }
  });

  if (definition.oauth === '2.0' && sandbox.oauth === '2.0') {
    const { pkce } = sandbox;
    it('sends PKCE wherever the provider takes it (AR-06)', () => {
      expect(definition.pkce).toBe(pkce === 'ignored' ? 'unsupported' : pkce);
    });
  }
}
