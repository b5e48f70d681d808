import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { garminConfig } from './garmin.config.js';
import { garminDefinition } from './garmin.definition.js';

@Injectable()
export class GarminStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(garminConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(garminDefinition, settings, client);
  }
}
