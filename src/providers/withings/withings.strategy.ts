import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { withingsConfig } from './withings.config.js';
import { withingsDefinition } from './withings.definition.js';

@Injectable()
export class WithingsStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(withingsConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(withingsDefinition, settings, client);
  }
}
