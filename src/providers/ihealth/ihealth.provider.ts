import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ihealthConfig } from './ihealth.config.js';
import { ihealthDefinition } from './ihealth.definition.js';
import { IhealthStrategy } from './ihealth.strategy.js';

@Injectable()
export class IhealthProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(ihealthConfig.KEY) settings: ProviderSettings,
    strategy: IhealthStrategy,
    client: TokenEndpointClient,
  ) {
    super(ihealthDefinition, settings, strategy, client);
  }
}
