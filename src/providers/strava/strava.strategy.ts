import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { stravaConfig } from './strava.config.js';
import { stravaDefinition } from './strava.definition.js';

@Injectable()
export class StravaStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(stravaConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(stravaDefinition, settings, client);
  }
}
