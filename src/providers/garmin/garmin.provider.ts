import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { garminConfig } from './garmin.config.js';
import { garminDefinition } from './garmin.definition.js';
import { GarminStrategy } from './garmin.strategy.js';

@Injectable()
export class GarminProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(garminConfig.KEY) settings: ProviderSettings,
    strategy: GarminStrategy,
    client: TokenEndpointClient,
  ) {
    super(garminDefinition, settings, strategy, client);
  }
}
