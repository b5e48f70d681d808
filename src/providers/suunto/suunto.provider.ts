import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { suuntoConfig } from './suunto.config.js';
import { suuntoDefinition } from './suunto.definition.js';
import { SuuntoStrategy } from './suunto.strategy.js';

@Injectable()
export class SuuntoProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(suuntoConfig.KEY) settings: ProviderSettings,
    strategy: SuuntoStrategy,
    client: TokenEndpointClient,
  ) {
    super(suuntoDefinition, settings, strategy, client);
  }
}
