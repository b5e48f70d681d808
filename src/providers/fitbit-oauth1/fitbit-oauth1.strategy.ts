import { Inject, Injectable } from '@nestjs/common';
import { OAuth1ProviderStrategy } from '../../provider-kit/oauth1-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fitbitOauth1Config } from './fitbit-oauth1.config.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';

@Injectable()
export class FitbitOauth1Strategy extends OAuth1ProviderStrategy {
  constructor(@Inject(fitbitOauth1Config.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(fitbitOauth1Definition, settings, client);
  }
}
