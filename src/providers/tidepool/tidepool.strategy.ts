import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { tidepoolConfig } from './tidepool.config.js';
import { tidepoolDefinition } from './tidepool.definition.js';

@Injectable()
export class TidepoolStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(tidepoolConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(tidepoolDefinition, settings, client);
  }
}
