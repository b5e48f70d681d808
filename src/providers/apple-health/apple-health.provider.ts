import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { appleHealthConfig } from './apple-health.config.js';
import { appleHealthDefinition } from './apple-health.definition.js';
import { AppleHealthStrategy } from './apple-health.strategy.js';

@Injectable()
export class AppleHealthProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(appleHealthConfig.KEY) settings: ProviderSettings,
    strategy: AppleHealthStrategy,
    client: TokenEndpointClient,
  ) {
    super(appleHealthDefinition, settings, strategy, client);
  }
}
