import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { wahooConfig } from './wahoo.config.js';
import { wahooDefinition } from './wahoo.definition.js';

@Injectable()
export class WahooStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(wahooConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(wahooDefinition, settings, client);
  }
}
