import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { omronConfig } from './omron.config.js';
import { OmronProvider } from './omron.provider.js';
import { OmronStrategy } from './omron.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(omronConfig), ProviderKitModule],
  providers: [OmronProvider, OmronStrategy],
})
export class OmronModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: OmronProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
