import type { ClientOf } from '../client/create-client.js';
import type { OAuth1Client } from '../client/oauth1-client.js';
import type { OAuth2Client } from '../client/oauth2-client.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { OAuth1Settings, OAuth2Settings, ProviderSettings, SettingsOf } from '../definition/provider-settings.js';
import type { HealthProvider } from '../health-provider.js';
import { OAuth1HealthProvider } from '../strategies/oauth1-health-provider.js';
import { OAuth1ProviderStrategy } from '../strategies/oauth1-provider.strategy.js';
import { OAuth2HealthProvider } from '../strategies/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../strategies/oauth2-provider.strategy.js';

/** Builds a provider without a class of its own, as its module does. */
export function createPlainProvider<Definition extends ProviderDefinition>(
  definition: Definition,
  settings: SettingsOf<Definition>,
  client: ClientOf<Definition>,
): HealthProvider;
export function createPlainProvider(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  client: OAuth1Client | OAuth2Client,
): HealthProvider {
  if (definition.oauth === '1.0a') {
    const own = { settings: settings as OAuth1Settings, client: client as OAuth1Client };
    const strategy = new OAuth1ProviderStrategy(definition, own.settings, own.client);
    return new OAuth1HealthProvider(definition, own.settings, strategy, own.client);
  }
  const own = { settings: settings as OAuth2Settings, client: client as OAuth2Client };
  const strategy = new OAuth2ProviderStrategy(definition, own.settings, own.client);
  return new OAuth2HealthProvider(definition, own.settings, strategy, own.client);
}
