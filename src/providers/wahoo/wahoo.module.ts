import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { wahooConfig } from './wahoo.config.js';
import { WahooProvider } from './wahoo.provider.js';
import { WahooStrategy } from './wahoo.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(wahooConfig), ProviderKitModule],
  providers: [WahooProvider, WahooStrategy],
})
export class WahooModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: WahooProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
