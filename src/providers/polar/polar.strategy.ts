import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { polarConfig } from './polar.config.js';
import { polarDefinition } from './polar.definition.js';

@Injectable()
export class PolarStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(polarConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(polarDefinition, settings, client);
  }
}
