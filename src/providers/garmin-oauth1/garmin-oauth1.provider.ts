import type { GrantTokens } from '../../provider-kit/health-provider.js';
import type { Patience } from '../../provider-kit/http/http-message.js';
import { OAuth1HealthProvider } from '../../provider-kit/strategies/oauth1-health-provider.js';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';

export class GarminOauth1Provider extends OAuth1HealthProvider {
  exchangeGrant(tokens: GrantTokens, successor: OAuth2Definition, patience?: Patience): Promise<TokenResponse> {
    return this.client.exchangeGrant(this.definition, this.settings, tokens, successor, patience);
  }
}
