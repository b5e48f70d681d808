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
import type { SettingsOf } from './definition/provider-settings.js';
import { providerConfig } from './provider.config.js';
import { OAuth1Client } from './client/oauth1-client.js';
import { OAuth2Client } from './client/oauth2-client.js';

type StrategyClass<Definition extends ProviderDefinition, Strategy, Client> = new (
  definition: Definition,
  settings: SettingsOf<Definition>,
  client: Client,
) => Strategy;

type ProviderClass<Definition extends ProviderDefinition, Strategy, Client> = new (
  definition: Definition,
  settings: SettingsOf<Definition>,
  strategy: Strategy,
  client: Client,
) => HealthProvider;

/** Parts of a provider beyond its definition; most have none. */
export interface ProviderModuleOptions<Definition extends ProviderDefinition, Strategy, Client> {
  /** The provider's own class, if it has a behavior that a definition cannot declare. */
  readonly provider?: ProviderClass<Definition, Strategy, Client>;
}

/**
 * Makes the base class of an OAuth 2.0 provider's Nest module. Each provider has one module, and one Passport strategy,
 * which Passport knows by the provider's slug.
 *
 * The module reads the provider's settings from the environment, builds the strategy and the provider, and registers
 * the provider. The subclass inherits all of it, the metadata of `@Module` too, so its own `@Module({})` stays empty.
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
  {
    provider = OAuth2HealthProvider,
  }: ProviderModuleOptions<OAuth2Definition, OAuth2ProviderStrategy, OAuth2Client> = {},
): Type<OnModuleInit> {
  return providerModule(definition, OAuth2ProviderStrategy, provider, OAuth2Client);
}

/** As {@link OAuth2ProviderModule}, for a provider of OAuth 1.0a. */
export function OAuth1ProviderModule(
  definition: OAuth1Definition,
  {
    provider = OAuth1HealthProvider,
  }: ProviderModuleOptions<OAuth1Definition, OAuth1ProviderStrategy, OAuth1Client> = {},
): Type<OnModuleInit> {
  return providerModule(definition, OAuth1ProviderStrategy, provider, OAuth1Client);
}

function providerModule<Definition extends ProviderDefinition, Strategy, Client>(
  definition: Definition,
  Strategy: StrategyClass<Definition, Strategy, Client>,
  Provider: ProviderClass<Definition, Strategy, Client>,
  Client: Type<Client>,
): Type<OnModuleInit> {
  const config = providerConfig(definition);

  @Module({
    imports: [ConfigModule.forFeature(config), ProviderKitModule],
    providers: [
      {
        provide: Strategy,
        useFactory: (settings: SettingsOf<Definition>, client: Client) => new Strategy(definition, settings, client),
        inject: [config.KEY, Client],
      },
      {
        provide: Provider,
        useFactory: (settings: SettingsOf<Definition>, strategy: Strategy, client: Client) =>
          new Provider(definition, settings, strategy, client),
        inject: [config.KEY, Strategy, Client],
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
