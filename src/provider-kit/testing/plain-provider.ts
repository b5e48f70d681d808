import type { HealthProvider } from '../health-provider.js';
import { OAuth1HealthProvider } from '../oauth1-health-provider.js';
import { OAuth1ProviderStrategy } from '../oauth1-provider.strategy.js';
import { OAuth2HealthProvider } from '../oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../oauth2-provider.strategy.js';
import type { ProviderDefinition } from '../provider-definition.js';
import type { ProviderSettings } from '../provider-settings.js';
import type { TokenEndpointClient } from '../token-endpoint-client.js';

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
