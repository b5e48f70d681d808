import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { omronConfig } from './omron.config.js';
import { omronDefinition } from './omron.definition.js';

@Injectable()
export class OmronStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(omronConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(omronDefinition, settings, client);
  }
}
