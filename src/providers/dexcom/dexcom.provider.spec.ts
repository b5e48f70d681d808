import { describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { parseTokenResponse } from '../../provider-kit/responses/parse-token-response.js';
import { dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition } from './dexcom.definition.js';
import { DexcomModule } from './dexcom.module.js';

const regions = [dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition];

for (const definition of regions) {
  describeProviderContract(definition);
}

describe('Dexcom', () => {
  it('registers a provider per region, each with its own redirect URI', async () => {
    const context = await NestFactory.createApplicationContext(DexcomModule, { logger: false });
    const registered = context.get(ProviderRegistry, { strict: false }).list();
    await context.close();
    expect(registered.map(({ definition, settings }) => [definition.slug, settings.redirectUri])).toEqual(
      ['dexcom', 'dexcom-eu', 'dexcom-jp'].map((slug) => [slug, expect.stringContaining(`/v1/oauth/${slug}/callback`)]),
    );
  });

  it.each([
    ['dexcom', 'https://api.dexcom.com'],
    ['dexcom-eu', 'https://api.dexcom.eu'],
    ['dexcom-jp', 'https://api.dexcom.jp'],
  ])('keeps every call of %s at %s', (slug, origin) => {
    const definition = regions.find((region) => region.slug === slug);
    expect(definition).toMatchObject({
      authorizeUrl: `${origin}/v3/oauth2/login`,
      tokenUrl: `${origin}/v3/oauth2/token`,
      apiBaseUrl: `${origin}/v3`,
    });
  });

  it.each(regions)('separates scopes of $slug by spaces', async (definition) => {
    const settings = readProviderSettings(definition, { SANDBOX_URL: 'http://localhost:3001' });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(definition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes: ['offline_access', 'another'] };
    const { authorizeUrl } = await provider.begin(handshake);
    expect(new URL(authorizeUrl).searchParams.get('scope')).toBe('offline_access another');
  });

  it.each([
    ['of 0 as not told', 0, undefined],
    ['of a year as it is', 31_536_000, 31_536_000],
  ])('reads a refresh_expires_in %s', (_name, told, read) => {
    const body = {
      access_token: 'not-a-real-token',
      token_type: 'Bearer',
      expires_in: 7200,
      refresh_expires_in: told,
    };
    const response = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    expect(parseTokenResponse(response, dexcomDefinition, new Date(0)).refreshExpiresInSeconds).toBe(read);
  });
});
