import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { ultrahumanConfig } from './ultrahuman.config.js';
import { ultrahumanDefinition } from './ultrahuman.definition.js';

@Injectable()
export class UltrahumanStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(ultrahumanConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(ultrahumanDefinition, settings, client);
  }
}
