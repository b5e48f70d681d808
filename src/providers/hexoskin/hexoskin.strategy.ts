import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { hexoskinConfig } from './hexoskin.config.js';
import { hexoskinDefinition } from './hexoskin.definition.js';

@Injectable()
export class HexoskinStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(hexoskinConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(hexoskinDefinition, settings, client);
  }
}
