import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule, type ConfigType } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { smartOnFhirConfig } from './smart-on-fhir.config.js';
import { SmartOnFhirProvider } from './smart-on-fhir.provider.js';

/**
 * SMART on FHIR: one provider for each FHIR server that the environment lists. Their Passport strategies are made at
 * use, when the endpoints are known.
 */
@Module({
  imports: [ConfigModule.forFeature(smartOnFhirConfig), ProviderKitModule],
})
export class SmartOnFhirModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly client: OAuth2Client,
    @Inject(smartOnFhirConfig.KEY) private readonly config: ConfigType<typeof smartOnFhirConfig>,
  ) {}

  onModuleInit(): void {
    for (const server of this.config.servers) {
      this.registry.register(new SmartOnFhirProvider(server, this.client));
    }
  }
}
