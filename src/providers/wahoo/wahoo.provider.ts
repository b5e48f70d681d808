import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { wahooConfig } from './wahoo.config.js';
import { wahooDefinition } from './wahoo.definition.js';
import { WahooStrategy } from './wahoo.strategy.js';

@Injectable()
export class WahooProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(wahooConfig.KEY) settings: ProviderSettings,
    strategy: WahooStrategy,
    client: TokenEndpointClient,
  ) {
    super(wahooDefinition, settings, strategy, client);
  }
}
