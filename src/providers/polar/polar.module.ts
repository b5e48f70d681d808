import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { polarConfig } from './polar.config.js';
import { PolarProvider } from './polar.provider.js';
import { PolarStrategy } from './polar.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(polarConfig), ProviderKitModule],
  providers: [PolarProvider, PolarStrategy],
})
export class PolarModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: PolarProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
