import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ouraConfig } from './oura.config.js';
import { ouraDefinition } from './oura.definition.js';

@Injectable()
export class OuraStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(ouraConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(ouraDefinition, settings, client);
  }
}
