import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ouraConfig } from './oura.config.js';
import { ouraDefinition } from './oura.definition.js';
import { OuraStrategy } from './oura.strategy.js';

@Injectable()
export class OuraProvider extends OAuth2HealthProvider {
  constructor(@Inject(ouraConfig.KEY) settings: ProviderSettings, strategy: OuraStrategy, client: TokenEndpointClient) {
    super(ouraDefinition, settings, strategy, client);
  }
}
