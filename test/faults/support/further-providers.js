/*
 * Loaded before the program by `node --import`: adds providers of a test, as JSON, to the list of the built program.
 * Each is wired as a folder of `src/providers` is.
 */
import { OAuth2HealthProvider } from '../../../dist/provider-kit/strategies/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../../../dist/provider-kit/strategies/oauth2-provider.strategy.js';
import { ProviderKitModule } from '../../../dist/provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../../dist/provider-kit/provider-registry.js';
import { readProviderSettings } from '../../../dist/provider-kit/definition/provider-settings.js';
import { OAuth2Client } from '../../../dist/provider-kit/client/oauth2-client.js';
import { ProvidersModule } from '../../../dist/providers/providers.module.js';

const definitions = JSON.parse(process.env.TEST_PROVIDER_DEFINITIONS);

class FurtherProvidersModule {}

const furtherProviders = {
  module: FurtherProvidersModule,
  imports: [ProviderKitModule],
  providers: [
    {
      provide: 'further providers',
      inject: [ProviderRegistry, OAuth2Client],
      useFactory: (registry, client) => {
        for (const definition of definitions) {
          const settings = readProviderSettings(definition, process.env);
          const strategy = new OAuth2ProviderStrategy(definition, settings, client);
          registry.register(new OAuth2HealthProvider(definition, settings, strategy, client));
        }
      },
    },
  ],
};

const listed = Reflect.getMetadata('imports', ProvidersModule);
Reflect.defineMetadata('imports', [...listed, furtherProviders], ProvidersModule);
