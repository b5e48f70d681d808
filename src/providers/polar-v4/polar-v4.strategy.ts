import { Inject, Injectable } from '@nestjs/common';
import { OAuth2ProviderStrategy } from '../../provider-kit/oauth2-provider.strategy.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { polarV4Config } from './polar-v4.config.js';
import { polarV4Definition } from './polar-v4.definition.js';

@Injectable()
export class PolarV4Strategy extends OAuth2ProviderStrategy {
  constructor(@Inject(polarV4Config.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
    super(polarV4Definition, settings, client);
  }
}
