import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ihealthConfig } from './ihealth.config.js';
import { ihealthDefinition } from './ihealth.definition.js';

@Injectable()
export class IhealthStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(ihealthConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(ihealthDefinition, settings, client);
  }
}
