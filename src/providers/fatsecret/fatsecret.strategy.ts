import { Inject, Injectable } from '@nestjs/common';
import { OAuth1ProviderStrategy } from '../../provider-kit/oauth1-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fatsecretConfig } from './fatsecret.config.js';
import { fatsecretDefinition } from './fatsecret.definition.js';

@Injectable()
export class FatsecretStrategy extends OAuth1ProviderStrategy {
  constructor(@Inject(fatsecretConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(fatsecretDefinition, settings, client);
  }
}
