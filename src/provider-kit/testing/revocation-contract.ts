import { expect, it } from '@jest/globals';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ContractBench } from './contract-bench.js';

/** The end of a grant at the provider. */
export function describeRevocation(definition: ProviderDefinition, bench: ContractBench): void {
  if (definition.revocation === undefined) {
    it('says that the provider offers no way to end a grant', async () => {
      expect(await bench.provider().revoke(await bench.link())).toBe('unsupported');
    });
    return;
  }

  it('ends the grant at the provider', async () => {
    const tokenResponse = await bench.linkKnowingUser();
    expect(await bench.provider().revoke(tokenResponse)).toBe('revoked');
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(false);
  });

  it('reports when the provider did not end the grant', async () => {
    const tokenResponse = await bench.linkKnowingUser();
    const endpoint = definition.revocation?.proof === 'custom' ? 'endpoint' : 'revoke';
    bench.fake.misbehave({ endpoint, type: 'status', code: 503 });
    await expect(bench.provider().revoke(tokenResponse)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
  });
}
