import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { googleHealthConfig } from './google-health.config.js';
import { googleHealthDefinition } from './google-health.definition.js';
import { GoogleHealthStrategy } from './google-health.strategy.js';

@Injectable()
export class GoogleHealthProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(googleHealthConfig.KEY) settings: ProviderSettings,
    strategy: GoogleHealthStrategy,
    client: TokenEndpointClient,
  ) {
    super(googleHealthDefinition, settings, strategy, client);
  }
}
