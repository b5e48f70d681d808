import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { fitbitConfig } from './fitbit.config.js';
import { fitbitDefinition } from './fitbit.definition.js';

@Injectable()
export class FitbitStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(fitbitConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(fitbitDefinition, settings, client);
  }
}
