import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ultrahumanConfig } from './ultrahuman.config.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';
import { UltrahumanStrategy } from './ultrahuman.strategy.js';

@Injectable()
export class UltrahumanProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(ultrahumanConfig.KEY) settings: ProviderSettings,
    strategy: UltrahumanStrategy,
    client: TokenEndpointClient,
  ) {
    super(ultrahumanDefinition, settings, strategy, client);
  }
}
