import { Inject, Injectable } from '@nestjs/common';
import { OAuth1HealthProvider } from '../../provider-kit/oauth1-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fitbitOauth1Config } from './fitbit-oauth1.config.js';
import { fitbitOauth1Definition } from './fitbit-oauth1.definition.js';
import { FitbitOauth1Strategy } from './fitbit-oauth1.strategy.js';

@Injectable()
export class FitbitOauth1Provider extends OAuth1HealthProvider {
  constructor(
    @Inject(fitbitOauth1Config.KEY) settings: ProviderSettings,
    strategy: FitbitOauth1Strategy,
    client: TokenEndpointClient,
  ) {
    super(fitbitOauth1Definition, settings, strategy, client);
  }
}
