import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { corosConfig } from './coros.config.js';
import { CorosProvider } from './coros.provider.js';
import { CorosStrategy } from './coros.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(corosConfig), ProviderKitModule],
  providers: [CorosProvider, CorosStrategy],
})
export class CorosModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: CorosProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
