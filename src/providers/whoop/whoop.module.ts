import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { whoopConfig } from './whoop.config.js';
import { WhoopProvider } from './whoop.provider.js';
import { WhoopStrategy } from './whoop.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(whoopConfig), ProviderKitModule],
  providers: [WhoopProvider, WhoopStrategy],
})
export class WhoopModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: WhoopProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
