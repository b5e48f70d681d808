import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { hexoskinConfig } from './hexoskin.config.js';
import { HexoskinProvider } from './hexoskin.provider.js';
import { HexoskinStrategy } from './hexoskin.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(hexoskinConfig), ProviderKitModule],
  providers: [HexoskinProvider, HexoskinStrategy],
})
export class HexoskinModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: HexoskinProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
