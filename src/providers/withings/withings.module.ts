import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { withingsConfig } from './withings.config.js';
import { WithingsProvider } from './withings.provider.js';
import { WithingsStrategy } from './withings.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(withingsConfig), ProviderKitModule],
  providers: [WithingsProvider, WithingsStrategy],
})
export class WithingsModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: WithingsProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
