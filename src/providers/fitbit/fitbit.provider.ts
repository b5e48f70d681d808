import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fitbitConfig } from './fitbit.config.js';
import { fitbitDefinition } from './fitbit.definition.js';
import { FitbitStrategy } from './fitbit.strategy.js';

@Injectable()
export class FitbitProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(fitbitConfig.KEY) settings: ProviderSettings,
    strategy: FitbitStrategy,
    client: TokenEndpointClient,
  ) {
    super(fitbitDefinition, settings, strategy, client);
  }
}
