import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { tidepoolConfig } from './tidepool.config.js';
import { TidepoolProvider } from './tidepool.provider.js';
import { TidepoolStrategy } from './tidepool.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(tidepoolConfig), ProviderKitModule],
  providers: [TidepoolProvider, TidepoolStrategy],
})
export class TidepoolModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: TidepoolProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
