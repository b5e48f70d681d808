import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { rideWithGpsConfig } from './ride-with-gps.config.js';
import { rideWithGpsDefinition } from './ride-with-gps.definition.js';
import { RideWithGpsStrategy } from './ride-with-gps.strategy.js';

@Injectable()
export class RideWithGpsProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(rideWithGpsConfig.KEY) settings: ProviderSettings,
    strategy: RideWithGpsStrategy,
    client: TokenEndpointClient,
  ) {
    super(rideWithGpsDefinition, settings, strategy, client);
  }
}
