import { Inject, Injectable } from '@nestjs/common';
import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { concept2Config } from './concept2.config.js';
import { concept2Definition } from './concept2.definition.js';
import { Concept2Strategy } from './concept2.strategy.js';

@Injectable()
export class Concept2Provider extends OAuth2HealthProvider {
  constructor(
    @Inject(concept2Config.KEY) settings: ProviderSettings,
    strategy: Concept2Strategy,
    client: TokenEndpointClient,
  ) {
    super(concept2Definition, settings, strategy, client);
  }
}
