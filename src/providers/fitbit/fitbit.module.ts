import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { fitbitConfig } from './fitbit.config.js';
import { FitbitProvider } from './fitbit.provider.js';
import { FitbitStrategy } from './fitbit.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(fitbitConfig), ProviderKitModule],
  providers: [FitbitProvider, FitbitStrategy],
})
export class FitbitModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: FitbitProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
