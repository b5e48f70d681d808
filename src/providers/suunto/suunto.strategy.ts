import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { suuntoConfig } from './suunto.config.js';
import { suuntoDefinition } from './suunto.definition.js';

@Injectable()
export class SuuntoStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(suuntoConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(suuntoDefinition, settings, client);
  }
}
