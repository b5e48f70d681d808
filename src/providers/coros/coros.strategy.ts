import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { corosConfig } from './coros.config.js';
import { corosDefinition } from './coros.definition.js';

@Injectable()
export class CorosStrategy extends OAuth2ProviderStrategy {
  constructor(@Inject(corosConfig.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(corosDefinition, settings, client);
  }
}
