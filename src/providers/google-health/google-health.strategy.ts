import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { googleHealthConfig } from './google-health.config.js';
import { googleHealthDefinition } from './google-health.definition.js';

@Injectable()
export class GoogleHealthStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(googleHealthConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(googleHealthDefinition, settings, client);
  }
}
