import { expect, it } from '@jest/globals';
import { decodeJwt, UnsecuredJWT } from 'jose';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { OAuth2Endpoints } from '../definition/provider-endpoints.js';
import type { TokenResponse } from '../token-response.js';
import { IdTokenForge } from './id-token-forge.js';
import type { ContractBench } from './contract-bench.js';

/** OpenID Connect Core 1.0 section 3.1.3.7, as far as the provider publishes issuer and keys. */
export function describeIdToken({ account, sandbox }: ProviderDefinition, bench: ContractBench): void {
  if (account.from !== 'id-token' || sandbox.oauth === '1.0a') {
    return;
  }
  const { idToken, issuers = [] } = sandbox;
  const link = (claims: Record<string, string | number | null>): Promise<TokenResponse> => {
    bench.fake.misbehave({ endpoint: 'token', type: 'idToken', claims });
    return bench.link({ account: '4711' });
  };
  const accepted = { providerUserId: '4711' };
  const refused = { code: 'TOKEN_RESPONSE_INVALID' };

  it('refuses an ID token for another client, one that has ended, and one without a user (AR-18)', async () => {
    for (const claims of [{ aud: 'another-client' }, { exp: 1 }, { [account.claim ?? 'sub']: null }]) {
      await expect(link(claims)).rejects.toMatchObject(refused);
    }
  });

  if (issuers.length > 0) {
    it('takes an ID token of each issuer of the provider, and of no other (AR-18)', async () => {
      for (const iss of issuers) {
        expect(await link({ iss })).toMatchObject(accepted);
      }
      for (const iss of ['https://evil.example', `${issuers[0]}/`, null]) {
        await expect(link({ iss })).rejects.toMatchObject(refused);
      }
    });
  }

  if (idToken?.jwksPath !== undefined) {
    it.each(['RS256', 'PS256', 'ES256', 'HS256'])(
      'takes an ID token that a published key has signed with %s only if the provider documents that (AR-18)',
      async (algorithm) => {
        const { callback, secrets } = await bench.approve({ account: '4711' });
        const tokenResponse = await bench.provider().complete(callback, bench.handshake(), secrets);
        const forge = await IdTokenForge.start(algorithm);
        try {
          const endpoints = { ...bench.settings.endpoints, jwksUrl: forge.jwksUrl } as OAuth2Endpoints;
          const provider = bench.provider({ endpoints });
          const resigned = tokenResponse.with({ idToken: await forge.resign(tokenResponse.idToken ?? '') });
          const isTaken = algorithm !== 'HS256' && (idToken.documentedAlgorithms ?? [algorithm]).includes(algorithm);
          const verified = provider.verify(resigned, secrets);
          await (isTaken
            ? expect(verified).resolves.toMatchObject(accepted)
            : expect(verified).rejects.toMatchObject(refused));
          // The key is not the provider's.
          await expect(bench.provider().verify(resigned, secrets)).rejects.toMatchObject(refused);
        } finally {
          await forge.stop();
        }
      },
    );

    it('refuses an ID token without a signature (AR-18)', async () => {
      const { callback, secrets } = await bench.approve();
      const tokenResponse = await bench.provider().complete(callback, bench.handshake(), secrets);
      const unsigned = new UnsecuredJWT(decodeJwt(tokenResponse.idToken ?? '')).encode();
      await expect(bench.provider().verify(tokenResponse.with({ idToken: unsigned }), secrets)).rejects.toMatchObject(
        refused,
      );
    });
  }
}
