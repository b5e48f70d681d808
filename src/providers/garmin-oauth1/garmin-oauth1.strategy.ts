import { Inject, Injectable } from '@nestjs/common';
import { OAuth1ProviderStrategy } from '../../provider-kit/oauth1-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { garminOauth1Config } from './garmin-oauth1.config.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';

@Injectable()
export class GarminOauth1Strategy extends OAuth1ProviderStrategy {
  constructor(@Inject(garminOauth1Config.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(garminOauth1Definition, settings, client);
  }
}
