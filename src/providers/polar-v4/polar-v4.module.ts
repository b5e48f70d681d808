import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { polarV4Config } from './polar-v4.config.js';
import { PolarV4Provider } from './polar-v4.provider.js';
import { PolarV4Strategy } from './polar-v4.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(polarV4Config), ProviderKitModule],
  providers: [PolarV4Provider, PolarV4Strategy],
})
export class PolarV4Module implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: PolarV4Provider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
