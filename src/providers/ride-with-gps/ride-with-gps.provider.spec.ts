import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { rideWithGpsDefinition } from './ride-with-gps.definition.js';

describeProviderContract(rideWithGpsDefinition);

describe('Ride with GPS', () => {
  /** The query of the authorisation request. */
  async function authorizeParameters(scopes: readonly string[]): Promise<URLSearchParams> {
    const settings = readProviderSettings(rideWithGpsDefinition, {
      RIDE_WITH_GPS_CLIENT_ID: 'id',
      RIDE_WITH_GPS_CLIENT_SECRET: 'secret',
    });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(rideWithGpsDefinition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes };
    return new URL((await provider.begin(handshake)).authorizeUrl).searchParams;
  }

  it('separates scopes by spaces', async () => {
    expect((await authorizeParameters(['user', 'another'])).get('scope')).toBe('user another');
  });
});
