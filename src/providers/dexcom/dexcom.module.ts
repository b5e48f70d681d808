import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import type { ProviderSettings } from '../../provider-kit/provider-settings.js';
import { TokenEndpointClient } from '../../provider-kit/token-endpoint-client.js';
import { dexcomConfig, dexcomEuConfig, dexcomJpConfig } from './dexcom.config.js';
import { dexcomDefinition, dexcomEuDefinition, dexcomJpDefinition } from './dexcom.definition.js';
import { DexcomProvider } from './dexcom.provider.js';

/** Registers one provider per region. */
@Module({
  imports: [
    ConfigModule.forFeature(dexcomConfig),
    ConfigModule.forFeature(dexcomEuConfig),
    ConfigModule.forFeature(dexcomJpConfig),
    ProviderKitModule,
  ],
})
export class DexcomModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly client: TokenEndpointClient,
    @Inject(dexcomConfig.KEY) private readonly settings: ProviderSettings,
    @Inject(dexcomEuConfig.KEY) private readonly euSettings: ProviderSettings,
    @Inject(dexcomJpConfig.KEY) private readonly jpSettings: ProviderSettings,
  ) {}

  onModuleInit(): void {
    this.registry.register(new DexcomProvider(dexcomDefinition, this.settings, this.client));
    this.registry.register(new DexcomProvider(dexcomEuDefinition, this.euSettings, this.client));
    this.registry.register(new DexcomProvider(dexcomJpDefinition, this.jpSettings, this.client));
  }
}
