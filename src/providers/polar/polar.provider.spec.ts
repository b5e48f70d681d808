import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { consent } from '../../sandbox/testing/consent.js';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { OAuth2ProviderStrategy } from '../../provider-kit/strategies/oauth2-provider.strategy.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { VendorSandbox } from '../../sandbox/vendor-sandbox.js';
import { polarDefinition } from './polar.definition.js';
import { PolarProvider } from './polar.provider.js';
import { request } from '../../sandbox/testing/request.js';

describeProviderContract(
  polarDefinition,
  (settings, client) =>
    new PolarProvider(polarDefinition, settings, new OAuth2ProviderStrategy(polarDefinition, settings, client), client),
);

describe('registration at Polar', () => {
  const http = new ProviderHttpClient();
  let sandbox: VendorSandbox;
  let provider: PolarProvider;

  beforeAll(async () => {
    sandbox = await VendorSandbox.start({ providers: new Map([['polar', polarDefinition.sandbox]]) });
    const settings = readProviderSettings(polarDefinition, { SANDBOX_URL: sandbox.url });
    const client = new OAuth2Client(http, new Clock());
    provider = new PolarProvider(
      polarDefinition,
      settings,
      new OAuth2ProviderStrategy(polarDefinition, settings, client),
      client,
    );
  });
  afterEach(() => sandbox.provider('polar').behave());
  afterAll(async () => {
    await http.onApplicationShutdown();
    await sandbox.stop();
  });

  async function link(account: string): Promise<TokenResponse> {
    const handshake = {
      state: 'state',
      redirectUri: 'http://localhost/callback',
      scopes: polarDefinition.defaultScopes,
    };
    const { authorizeUrl, secrets } = await provider.begin(handshake);
    const { searchParams } = await consent(authorizeUrl, { account });
    return provider.complete(Object.fromEntries(searchParams), handshake, secrets);
  }

  async function callApi({ accessToken }: TokenResponse): Promise<number> {
    const url = `${sandbox.provider('polar').url}${polarDefinition.sandbox.apiPath}`;
    const response = await request(url, { headers: { authorization: `Bearer ${accessToken}` } });
    await response.body.dump();
    return response.statusCode;
  }

  it('opens the API to a new user, and succeeds again for one who is registered', async () => {
    const tokenResponse = await link('1');
    expect(await callApi(tokenResponse)).toBe(403);
    await provider.prepareAccount(tokenResponse);
    expect(await callApi(tokenResponse)).toBe(200);
    const again = await link('1');
    await provider.prepareAccount(again);
    expect(await callApi(again)).toBe(200);
  });

  it('fails and names the consents when Polar responds with 403', async () => {
    const tokenResponse = await link('2');
    sandbox.provider('polar').misbehave({ endpoint: 'endpoint', type: 'status', code: 403 });
    await expect(provider.prepareAccount(tokenResponse)).rejects.toMatchObject({
      code: 'AUTHORIZATION_FAILED',
      message: expect.stringContaining('consents') as unknown,
      detail: 'HTTP 403',
    });
  });

  it('does not blame the user when Polar is down', async () => {
    const tokenResponse = await link('3');
    sandbox.provider('polar').misbehave({ endpoint: 'endpoint', type: 'status', code: 503 });
    await expect(provider.prepareAccount(tokenResponse)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
  });

  it('is not attempted without the user id', async () => {
    const tokenResponse = (await link('4')).with({ providerUserId: undefined });
    await expect(provider.prepareAccount(tokenResponse)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    expect(await callApi(tokenResponse)).toBe(403);
  });
});
