import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { TokenResponse } from '../token-response.js';
import type { ContractBench } from './contract-bench.js';
import { describeFailures, wrongCredentials } from './failure-contract.js';

/** A refresh: the replaced tokens, refusals and failures. */
export function describeRefresh(definition: OAuth2Definition, bench: ContractBench): void {
  const refresh = async (): Promise<TokenResponse> => {
    const { refreshToken } = await bench.link();
    return bench.refresh(refreshToken);
  };

  if (definition.refreshExtendsToken === true) {
    it('extends the access token in use instead of replacing it', async () => {
      const before = await bench.link();
      const after = await bench.provider().refresh(before);
      expect(definition.refresh.rotates).toBe('never');
      expect(after).toMatchObject({ accessToken: before.accessToken, refreshToken: undefined });
      expect(after.expiresInSeconds).toBe(definition.accessTokenLifetimeSeconds);
      expect(bench.fake.isLiveAccessToken(after.accessToken)).toBe(true);
    });

    describeRefusals(bench, definition);
    describeFailures(bench, 'refresh', refresh);
    return;
  }

  it('refreshes, with rotation and the fate of the old access token as declared', async () => {
    const before = await bench.link();
    const after = await bench.provider().refresh(before);
    expect(bench.fake.isLiveAccessToken(after.accessToken)).toBe(true);
    expect(after.refreshToken !== undefined && after.refreshToken !== before.refreshToken).toBe(
      definition.refresh.rotates !== 'never',
    );
    // If the provider does not say, the definition assumes that the old token dies, and the fake keeps it alive.
    const oldTokenLives = bench.fake.isLiveAccessToken(before.accessToken);
    expect(oldTokenLives || definition.refresh.oldAccessTokenDiesOnRefresh).toBe(true);
  });

  it('keeps refreshing over many rounds', async () => {
    let tokenResponse = await bench.link();
    for (let round = 0; round < 5; round += 1) {
      const refreshed = await bench.provider().refresh(tokenResponse);
      tokenResponse = refreshed.with({ refreshToken: refreshed.refreshToken ?? tokenResponse.refreshToken });
    }
    expect(bench.fake.isLiveAccessToken(tokenResponse.accessToken)).toBe(true);
  });

  it('reports a response without a refresh token as keeping the old one', async () => {
    const { refreshToken } = await bench.link();
    for (const type of ['omitRefreshToken', 'emptyRefreshToken'] as const) {
      bench.fake.misbehave({ endpoint: 'refresh', type });
      expect((await bench.refresh(refreshToken)).refreshToken).toBeUndefined();
    }
    expect(bench.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
  });

  describeRefusals(bench, definition);
  describeFailures(bench, 'refresh', refresh);
}

/** Refusals of a refresh: of the token, of our credentials, and with a token in the error. */
function describeRefusals(bench: ContractBench, definition: OAuth2Definition): void {
  it('reports a refresh token that the provider does not know as evidence of a dead grant', async () => {
    await expect(bench.refresh('not-a-refresh-token')).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
  });

  it('blames the operator, not the grant, when the provider refuses our credentials', async () => {
    const { refreshToken } = await bench.link();
    const provider = bench.provider(wrongCredentials(definition));
    await expect(provider.refresh({ accessToken: 'unused', refreshToken })).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
    });
    expect(bench.fake.isLiveRefreshToken(refreshToken ?? '')).toBe(true);
  });

  it("does not take the provider's other errors, in its own words, for evidence against the grant", async () => {
    const { refreshToken } = await bench.link();
    bench.fake.misbehave({ endpoint: 'refresh', type: 'error', error: 'invalid_client', status: 400 });
    const error: unknown = await bench.refresh(refreshToken).catch((reason: unknown) => reason);
    expect(error).toHaveProperty('code');
    expect(error).not.toHaveProperty('code', 'TOKEN_REVOKED');
  });

  it('quotes no token, even when the provider does (LOG-03)', async () => {
    const { refreshToken } = await bench.link();
    bench.fake.misbehave({ endpoint: 'refresh', type: 'echoSecret', error: 'invalid_grant', status: 400 });
    const error: unknown = await bench.refresh(refreshToken).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(refreshToken);
  });
}
