import { Inject, Injectable } from '@nestjs/common';
import { OAuth1HealthProvider } from '../../provider-kit/oauth1-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fatsecretConfig } from './fatsecret.config.js';
import { fatsecretDefinition } from './fatsecret.definition.js';
import { FatsecretStrategy } from './fatsecret.strategy.js';

@Injectable()
export class FatsecretProvider extends OAuth1HealthProvider {
  constructor(
    @Inject(fatsecretConfig.KEY) settings: ProviderSettings,
    strategy: FatsecretStrategy,
    client: TokenEndpointClient,
  ) {
    super(fatsecretDefinition, settings, strategy, client);
  }
}
