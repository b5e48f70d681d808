import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { polarV4Config } from './polar-v4.config.js';
import { polarV4Definition } from './polar-v4.definition.js';
import { PolarV4Strategy } from './polar-v4.strategy.js';

@Injectable()
export class PolarV4Provider extends OAuth2HealthProvider {
  constructor(
    @Inject(polarV4Config.KEY) settings: ProviderSettings,
    strategy: PolarV4Strategy,
    client: TokenEndpointClient,
  ) {
    super(polarV4Definition, settings, strategy, client);
  }
}
