import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { rideWithGpsConfig } from './ride-with-gps.config.js';
import { rideWithGpsDefinition } from './ride-with-gps.definition.js';

@Injectable()
export class RideWithGpsStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(rideWithGpsConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(rideWithGpsDefinition, settings, client);
  }
}
