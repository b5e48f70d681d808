import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { hexoskinConfig } from './hexoskin.config.js';
import { hexoskinDefinition } from './hexoskin.definition.js';
import { HexoskinStrategy } from './hexoskin.strategy.js';

@Injectable()
export class HexoskinProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(hexoskinConfig.KEY) settings: ProviderSettings,
    strategy: HexoskinStrategy,
    client: TokenEndpointClient,
  ) {
    super(hexoskinDefinition, settings, strategy, client);
  }
}
