import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { appleHealthConfig } from './apple-health.config.js';
import { appleHealthDefinition } from './apple-health.definition.js';

@Injectable()
export class AppleHealthStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(appleHealthConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(appleHealthDefinition, settings, client);
  }
}
