import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { hexoskinDefinition } from './hexoskin.definition.js';

describeProviderContract(hexoskinDefinition);

describe('Hexoskin', () => {
  /** The query of the authorisation request. */
  async function authorizeParameters(scopes: readonly string[]): Promise<URLSearchParams> {
    const settings = readProviderSettings(hexoskinDefinition, {
      HEXOSKIN_CLIENT_ID: 'id',
      HEXOSKIN_CLIENT_SECRET: 'secret',
    });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(hexoskinDefinition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes };
    return new URL((await provider.begin(handshake)).authorizeUrl).searchParams;
  }

  it('separates scopes by spaces', async () => {
    expect((await authorizeParameters(['readonly', 'readwrite'])).get('scope')).toBe('readonly readwrite');
  });

  it('keeps the slash at the end of every URL, also below another base', () => {
    const ours = { HEXOSKIN_CLIENT_ID: 'id', HEXOSKIN_CLIENT_SECRET: 'secret' };
    expect(readProviderSettings(hexoskinDefinition, ours).endpoints).toMatchObject({
      authorizeUrl: 'https://api.hexoskin.com/api/connect/oauth2/auth/',
      tokenUrl: 'https://api.hexoskin.com/api/connect/oauth2/token/',
      accountUrl: 'https://api.hexoskin.com/api/account/',
    });
    const moved = { ...ours, HEXOSKIN_API_BASE_URL: 'https://proxy.example/hexoskin' };
    expect(readProviderSettings(hexoskinDefinition, moved).endpoints.accountUrl).toBe(
      'https://proxy.example/hexoskin/account/',
    );
  });
});
