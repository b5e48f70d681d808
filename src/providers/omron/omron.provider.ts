import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { omronConfig } from './omron.config.js';
import { omronDefinition } from './omron.definition.js';
import { OmronStrategy } from './omron.strategy.js';

@Injectable()
export class OmronProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(omronConfig.KEY) settings: ProviderSettings,
    strategy: OmronStrategy,
    client: TokenEndpointClient,
  ) {
    super(omronDefinition, settings, strategy, client);
  }
}
