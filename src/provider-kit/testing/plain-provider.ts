import type { HealthProvider } from '../health-provider.js';
import { OAuth1HealthProvider } from '../strategies/oauth1-health-provider.js';
import { OAuth1ProviderStrategy } from '../strategies/oauth1-provider.strategy.js';
import { OAuth2HealthProvider } from '../strategies/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../strategies/oauth2-provider.strategy.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import type { TokenEndpointClient } from '../client/token-endpoint-client.js';

/** Builds a provider without a class of its own, as its module does. */
export function createPlainProvider(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  client: TokenEndpointClient,
): HealthProvider {
  return definition.oauth === '1.0a'
    ? new OAuth1HealthProvider(definition, settings, new OAuth1ProviderStrategy(definition, settings, client), client)
    : new OAuth2HealthProvider(definition, settings, new OAuth2ProviderStrategy(definition, settings, client), client);
}
