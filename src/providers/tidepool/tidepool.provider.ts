import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { tidepoolConfig } from './tidepool.config.js';
import { tidepoolDefinition } from './tidepool.definition.js';
import { TidepoolStrategy } from './tidepool.strategy.js';

@Injectable()
export class TidepoolProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(tidepoolConfig.KEY) settings: ProviderSettings,
    strategy: TidepoolStrategy,
    client: TokenEndpointClient,
  ) {
    super(tidepoolDefinition, settings, strategy, client);
  }
}
