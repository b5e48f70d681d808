import { expect, it } from '@jest/globals';
import type { OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';
import { Secret } from '../definition/secret.js';
import type { ContractBench } from './contract-bench.js';
import { describeFailures } from './failure-contract.js';

/** The start of a link: the authorization URL, and the secrets that stay here. */
export function describeStart(definition: ProviderDefinition, bench: ContractBench): void {
  it('sends the browser to the provider with exactly the parameters it documents', async () => {
    const { authorizeUrl, secrets } = await bench.provider().begin(bench.handshake());
    const [address, parameters] = partsOf(authorizeUrl);
    const { sandbox } = definition;
    const route = sandbox.oauth === '2.0' && sandbox.authorizeRoute !== undefined ? `#${sandbox.authorizeRoute}` : '';
    expect(address).toBe(bench.fake.url + sandbox.authorizePath + route);
    expect(Object.fromEntries(parameters)).toEqual(
      definition.oauth === '2.0'
        ? expectedOAuth2Parameters(definition, bench)
        : { oauth_token: secrets.temporaryToken },
    );
    const shown = [secrets.temporaryToken, secrets.nonce];
    const kept = Object.values(secrets as Record<string, string>).filter((value) => !shown.includes(value));
    expect(kept.filter((secret) => authorizeUrl.includes(secret))).toEqual([]);
  });

  const { sandbox } = definition;
  if (sandbox.oauth === '2.0' && sandbox.scopes.length > 0) {
    it('asks for several scopes in the way the provider reads them', async () => {
      const scopes = [...sandbox.scopes, 'another-scope'].slice(0, 2);
      const { authorizeUrl } = await bench.provider().begin({ ...bench.handshake(), scopes });
      const asked = partsOf(authorizeUrl)[1].get(sandbox.scopeParameter ?? 'scope');
      expect(asked).toBe(scopes.join(sandbox.scopeSeparator));
    });
  }

  it('starts every link afresh', async () => {
    const first = await bench.provider().begin(bench.handshake());
    const second = await bench.provider().begin(bench.handshake());
    expect(new Set(Object.values(first.secrets).concat(Object.values(second.secrets))).size).toBe(
      Object.keys(first.secrets).length * 2,
    );
  });

  if (definition.oauth === '1.0a') {
    it('does not start when the provider does not confirm the callback (O1-04)', async () => {
      for (const value of ['omit', 'false'] as const) {
        bench.fake.misbehave({ endpoint: 'request_token', type: 'callbackNotConfirmed', value });
        await expect(bench.provider().begin(bench.handshake())).rejects.toMatchObject({
          code: 'TOKEN_RESPONSE_INVALID',
        });
      }
    });

    it('blames the operator when the provider refuses our signature', async () => {
      const provider = bench.provider({ clientSecret: new Secret('not-the-secret') });
      await expect(provider.begin(bench.handshake())).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    });

    describeFailures(bench, 'request_token', () => bench.provider().begin(bench.handshake()));
  }
}

/** The address, with the route of a web app, and the parameters after it. */
function partsOf(authorizeUrl: string): [address: string, parameters: URLSearchParams] {
  const [address = '', query] = authorizeUrl.split('?');
  return [address, new URLSearchParams(query)];
}

function expectedOAuth2Parameters(definition: OAuth2Definition, bench: ContractBench): object {
  const { defaultScopes, scopeSeparator, pkce, scopeParameter = 'scope', nonce } = definition;
  return {
    response_type: 'code',
    client_id: bench.settings.clientId,
    redirect_uri: bench.settings.redirectUri,
    state: bench.handshake().state,
    ...(defaultScopes.length === 0 ? {} : { [scopeParameter]: defaultScopes.join(scopeSeparator) }),
    ...(nonce === true ? { nonce: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as unknown } : {}),
    ...(pkce === 'unsupported'
      ? {}
      : { code_challenge: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as unknown, code_challenge_method: 'S256' }),
    ...definition.extraAuthorizeParams,
  };
}
