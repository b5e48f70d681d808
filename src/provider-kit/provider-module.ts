import { Inject, Module, type OnModuleInit, type Type } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import type { HealthProvider } from './health-provider.js';
import { OAuth1HealthProvider } from './strategies/oauth1-health-provider.js';
import { OAuth1ProviderStrategy } from './strategies/oauth1-provider.strategy.js';
import { OAuth2HealthProvider } from './strategies/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from './strategies/oauth2-provider.strategy.js';
import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from './definition/provider-definition.js';
import { ProviderKitModule } from './provider-kit.module.js';
import { ProviderRegistry } from './provider-registry.js';
import type { ProviderSettings } from './definition/provider-settings.js';
import { providerConfig } from './provider.config.js';
import { TokenEndpointClient } from './client/token-endpoint-client.js';

type StrategyClass<Definition, Strategy> = new (
  definition: Definition,
  settings: ProviderSettings,
  client: TokenEndpointClient,
) => Strategy;

type ProviderClass<Definition, Strategy> = new (
  definition: Definition,
  settings: ProviderSettings,
  strategy: Strategy,
  client: TokenEndpointClient,
) => HealthProvider;

/** What a provider has beyond its definition; most have nothing. */
export interface ProviderModuleOptions<Definition, Strategy> {
  /** The provider's own class, where it has a behaviour that a definition cannot declare. */
  readonly provider?: ProviderClass<Definition, Strategy>;
}

/**
 * Makes the base class of an OAuth 2.0 provider's Nest module. Each provider has one module, and one Passport strategy, which
 * Passport knows by the provider's slug.
 *
 * The module reads the provider's settings from the environment, builds the strategy and the provider, and registers the
 * provider. The subclass inherits all of it, the metadata of `@Module` too, so its own `@Module({})` stays empty.
 *
 * @param definition - the provider's facts
 * @example
 * ```ts
 * @Module({})
 * export class WhoopModule extends OAuth2ProviderModule(whoopDefinition) {}
 * ```
 */
export function OAuth2ProviderModule(
  definition: OAuth2Definition,
  { provider = OAuth2HealthProvider }: ProviderModuleOptions<OAuth2Definition, OAuth2ProviderStrategy> = {},
): Type<OnModuleInit> {
  return providerModule(definition, OAuth2ProviderStrategy, provider);
}

/** As {@link OAuth2ProviderModule}, for a provider of OAuth 1.0a. */
export function OAuth1ProviderModule(
  definition: OAuth1Definition,
  { provider = OAuth1HealthProvider }: ProviderModuleOptions<OAuth1Definition, OAuth1ProviderStrategy> = {},
): Type<OnModuleInit> {
  return providerModule(definition, OAuth1ProviderStrategy, provider);
}

function providerModule<Definition extends ProviderDefinition, Strategy>(
  definition: Definition,
  Strategy: StrategyClass<Definition, Strategy>,
  Provider: ProviderClass<Definition, Strategy>,
): Type<OnModuleInit> {
  const config = providerConfig(definition);

  @Module({
    imports: [ConfigModule.forFeature(config), ProviderKitModule],
    providers: [
      {
        provide: Strategy,
        useFactory: (settings: ProviderSettings, client: TokenEndpointClient) =>
          new Strategy(definition, settings, client),
        inject: [config.KEY, TokenEndpointClient],
      },
      {
        provide: Provider,
        useFactory: (settings: ProviderSettings, strategy: Strategy, client: TokenEndpointClient) =>
          new Provider(definition, settings, strategy, client),
        inject: [config.KEY, Strategy, TokenEndpointClient],
      },
    ],
  })
  class ProviderModule implements OnModuleInit {
    constructor(
      private readonly registry: ProviderRegistry,
      @Inject(Provider) private readonly provider: HealthProvider,
    ) {}

    onModuleInit(): void {
      this.registry.register(this.provider);
    }
  }
  return ProviderModule;
}
