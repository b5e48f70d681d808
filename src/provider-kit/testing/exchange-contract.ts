import { expect, it } from '@jest/globals';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { OAuth2SandboxDefinition } from '../definition/sandbox-definition.js';
import type { ContractBench } from './contract-bench.js';
import { describeFailures, wrongCredentials } from './failure-contract.js';

/** From the callback to tokens: the request, the response, and the report of a refusal. */
export function describeExchange(definition: ProviderDefinition, bench: ContractBench): void {
  const exchange = definition.oauth === '2.0' ? 'token' : 'access_token';

  it("redeems the callback for tokens that work, and learns the user's id", async () => {
    const tokenResponse = await bench.link({ account: '4711' });
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
    const knownId = definition.account.from === 'nowhere' ? undefined : '4711';
    expect(await bench.provider().findProviderUserId(tokenResponse)).toBe(knownId);
    if (definition.oauth === '2.0') {
      const life = definition.neverExpires === true ? undefined : bench.fake.accessTokenLifetimeSeconds;
      expect(tokenResponse.expiresInSeconds).toBe(life);
      expect(tokenResponse.refreshToken !== undefined).toBe(definition.noRefreshToken !== true);
      expect(tokenResponse.refreshExpiresInSeconds !== undefined).toBe(definition.refreshExpiresInField !== undefined);
      if (definition.sandbox.oauth === '2.0' && sendsPlainResponse(definition.sandbox)) {
        expect(tokenResponse.refreshExpiresInSeconds).toBe(definition.sandbox.refreshTokenLifetimeSeconds);
      }
    } else {
      expect(tokenResponse).toMatchObject({ refreshToken: undefined, expiresInSeconds: undefined });
      expect(tokenResponse.tokenSecret).toEqual(expect.any(String));
    }
  });

  it('does not redeem the same callback twice', async () => {
    const { callback, secrets } = await bench.approve();
    await bench.provider().complete(callback, bench.handshake(), secrets);
    await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'AUTHORIZATION_CODE_REFUSED',
    });
  });

  describeFailures(bench, exchange, () => bench.link());

  if (definition.oauth === '1.0a') {
    return;
  }

  it('authenticates the client as the provider wants it, and in no other way', async () => {
    await bench.link();
    const scheme = bench.fake.history.filter(({ kind }) => kind === 'token').at(-1)?.authorizationScheme;
    expect(scheme).toBe(definition.clientAuthentication === 'basic' ? 'basic' : undefined);
  });

  it('blames the operator when the provider refuses our credentials', async () => {
    const { callback, secrets } = await bench.approve();
    const provider = bench.provider(wrongCredentials(definition));
    await expect(provider.complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
    });
  });

  it('uses the documented lifetime of a token if the response has none', async () => {
    bench.fake.misbehave({ endpoint: 'token', type: 'omitExpiresIn' });
    expect((await bench.link()).expiresInSeconds).toBe(definition.accessTokenLifetimeSeconds);
  });

  if (definition.pkce !== 'unsupported') {
    it('proves possession of the verifier: with another one the provider refuses the code (AR-06)', async () => {
      const { callback } = await bench.approve();
      const secrets = { codeVerifier: 'v'.repeat(43) };
      await expect(bench.provider().complete(callback, bench.handshake(), secrets)).rejects.toMatchObject({
        code: 'AUTHORIZATION_CODE_REFUSED',
      });
    });
  }

  it('returns the granted scopes, if the provider reports them', async () => {
    const [first] = definition.defaultScopes;
    if (first === undefined || definition.grantedScopesIn === 'nowhere') {
      expect((await bench.link()).grantedScopes).toBeUndefined();
      return;
    }
    bench.fake.restrictScopes([first]);
    try {
      expect((await bench.link()).grantedScopes).toEqual([first]);
    } finally {
      bench.fake.restrictScopes(undefined);
    }
  });
}

/** Whether the response has the lifetime of a refresh token under the sandbox's own name. */
function sendsPlainResponse({ tokenResponse, tokenResponseExtras }: OAuth2SandboxDefinition): boolean {
  return tokenResponse === undefined && !('refresh_expires_in' in (tokenResponseExtras?.('1') ?? {}));
}
