import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { corosConfig } from './coros.config.js';
import { corosDefinition } from './coros.definition.js';
import { CorosStrategy } from './coros.strategy.js';

@Injectable()
export class CorosProvider extends OAuth2HealthProvider {
  constructor(
    @Inject(corosConfig.KEY) settings: ProviderSettings,
    strategy: CorosStrategy,
    client: TokenEndpointClient,
  ) {
    super(corosDefinition, settings, strategy, client);
  }
}
