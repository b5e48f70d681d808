import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { whoopConfig } from './whoop.config.js';
import { whoopDefinition } from './whoop.definition.js';

@Injectable()
export class WhoopStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(whoopConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(whoopDefinition, settings, client);
  }
}
