import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { whoopConfig } from './whoop.config.js';
import { whoopDefinition } from './whoop.definition.js';
import { WhoopStrategy } from './whoop.strategy.js';

@Injectable()
export class WhoopProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(whoopConfig.KEY) settings: ProviderSettings,
    strategy: WhoopStrategy,
    client: TokenEndpointClient,
  ) {
    super(whoopDefinition, settings, strategy, client);
  }
}
