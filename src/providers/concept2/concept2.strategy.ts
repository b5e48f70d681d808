import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { concept2Config } from './concept2.config.js';
import { concept2Definition } from './concept2.definition.js';

@Injectable()
export class Concept2Strategy extends OAuth2ProviderStrategy {
  constructor(@Inject(concept2Config.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(concept2Definition, settings, client);
  }
}
