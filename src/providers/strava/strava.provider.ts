import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { stravaConfig } from './strava.config.js';
import { stravaDefinition } from './strava.definition.js';
import { StravaStrategy } from './strava.strategy.js';

@Injectable()
export class StravaProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(stravaConfig.KEY) settings: ProviderSettings,
    strategy: StravaStrategy,
    client: TokenEndpointClient,
  ) {
    super(stravaDefinition, settings, strategy, client);
  }
}
