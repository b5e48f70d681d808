import { Inject, Injectable } from '@nestjs/common';
import type { GrantTokens } from '../../provider-kit/health-provider.js';
import { OAuth1HealthProvider } from '../../provider-kit/oauth1-health-provider.js';
import type { OAuth2Definition } from '../../provider-kit/provider-definition.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import type { TokenGrant } from '../../provider-kit/token-grant.js';
import { garminOauth1Config } from './garmin-oauth1.config.js';
import { garminOauth1Definition } from './garmin-oauth1.definition.js';
import { GarminOauth1Strategy } from './garmin-oauth1.strategy.js';

@Injectable()
export class GarminOauth1Provider extends OAuth1HealthProvider {
  constructor(
    @Inject(garminOauth1Config.KEY) settings: ProviderSettings,
    strategy: GarminOauth1Strategy,
    client: TokenEndpointClient,
  ) {
    super(garminOauth1Definition, settings, strategy, client);
  }

  exchangeGrant(tokens: GrantTokens, successor: OAuth2Definition): Promise<TokenGrant> {
    return this.client.exchangeGrant(this.definition, this.settings, tokens, successor);
  }
}
