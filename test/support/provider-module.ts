import { Inject, Injectable, Module, type OnModuleInit, type Type } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { OAuth2HealthProvider } from '../../src/provider-kit/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../../src/provider-kit/oauth2-provider.strategy.js';
import type { OAuth2Definition } from '../../src/provider-kit/provider-definition.js';
import { ProviderKitModule } from '../../src/provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { readProviderSettings, type ProviderSettings } from '../../src/provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../src/provider-kit/token-endpoint-client.js';

/** Makes the module that a folder of `src/providers` has, for a definition of a test. */
export function providerModule(definition: OAuth2Definition): Type {
  const config = registerAs(`providers.${definition.slug}`, () => readProviderSettings(definition, process.env));

  @Injectable()
  class TestStrategy extends OAuth2ProviderStrategy {
    constructor(@Inject(config.KEY) settings: ProviderSettings, client: TokenEndpointClient) {
      super(definition, settings, client);
    }
  }

  @Injectable()
  class TestProvider extends OAuth2HealthProvider {
    constructor(@Inject(config.KEY) settings: ProviderSettings, strategy: TestStrategy, client: TokenEndpointClient) {
      super(definition, settings, strategy, client);
    }
  }

  @Module({ imports: [ConfigModule.forFeature(config), ProviderKitModule], providers: [TestProvider, TestStrategy] })
  class TestProviderModule implements OnModuleInit {
    constructor(
      private readonly registry: ProviderRegistry,
      private readonly provider: TestProvider,
    ) {}

    onModuleInit(): void {
      this.registry.register(this.provider);
    }
  }
  return TestProviderModule;
}
