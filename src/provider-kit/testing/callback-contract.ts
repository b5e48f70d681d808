import { expect, it } from '@jest/globals';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { uncheckedIssuers } from '../provider-kit.metrics.js';
import type { TokenResponse } from '../token-response.js';
import type { ContractBench } from './contract-bench.js';

/** Callbacks that lead to no tokens: denied, of another link, or empty. */
export function describeCallback(bench: ContractBench): void {
  it('reports that the user denied consent, and asks the provider for nothing', async () => {
    const { callback, secrets } = await bench.approve({ decision: 'deny' });
    const before = bench.calls('token', 'access_token');
    await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'AUTHORIZATION_DENIED',
    });
    expect(bench.calls('token', 'access_token')).toBe(before);
  });

  it("refuses another link's callback, and asks the provider for nothing", async () => {
    const { callback } = await bench.approve();
    const other = await bench.provider().begin(bench.handshake('state-of-another-link'));
    const before = bench.calls('token', 'access_token');
    const completion = bench.provider().complete(callback, bench.handshake('state-of-another-link'), other.secrets);
    await expect(completion).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
    expect(bench.calls('token', 'access_token')).toBe(before);
  });

  it('refuses a callback that brings nothing to redeem', async () => {
    const { callback, secrets } = await bench.approve();
    const { state } = callback;
    await expect(
      bench.provider().complete(state === undefined ? {} : { state }, bench.handshake(), secrets),
    ).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });
}

/** RFC 9207: a callback may name its issuer, which must be the provider. */
export function describeIssuer(definition: ProviderDefinition, bench: ContractBench): void {
  const { sandbox, slug } = definition;
  if (sandbox.oauth === '1.0a') {
    return;
  }
  const complete = async (iss: string): Promise<TokenResponse> => {
    const { callback, secrets } = await bench.approve();
    return bench.provider().complete({ ...callback, iss }, bench.handshake(), secrets);
  };
  if (sandbox.issuers === undefined) {
    it('counts a callback whose issuer it cannot check (AR-08)', async () => {
      const read = async (): Promise<number> =>
        (await uncheckedIssuers.get()).values.find(({ labels }) => labels.provider === slug)?.value ?? 0;
      const before = await read();
      await complete('https://issuer.example');
      expect(await read()).toBe(before + 1);
    });
    return;
  }

  it('takes a callback that names an issuer of the provider (AR-08)', async () => {
    for (const issuer of sandbox.issuers ?? []) {
      const tokenResponse = await complete(issuer.replace('{baseUrl}', bench.fake.url));
      expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
    }
  });

  it('refuses a callback that names another issuer, and asks the provider for nothing (AR-08)', async () => {
    const before = bench.calls('token');
    const own = sandbox.issuers?.[0]?.replace('{baseUrl}', bench.fake.url) ?? '';
    for (const issuer of ['https://evil.example', `${own}/`, own.toUpperCase(), '']) {
      await expect(complete(issuer)).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
    }
    expect(bench.calls('token')).toBe(before);
  });
}
