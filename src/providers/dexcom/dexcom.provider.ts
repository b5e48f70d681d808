import { OAuth2HealthProvider } from '../../provider-kit/oauth2-health-provider.js';
import type { OAuth2Definition } from '../../provider-kit/provider-definition.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import type { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { DexcomStrategy } from './dexcom.strategy.js';

/** Dexcom in one region; `dexcom.module.ts` makes one of each. */
export class DexcomProvider extends OAuth2HealthProvider {
  constructor(definition: OAuth2Definition, settings: ProviderSettings, client: TokenEndpointClient) {
    super(definition, settings, new DexcomStrategy(definition, settings, client), client);
  }
}
