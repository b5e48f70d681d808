import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { huaweiHealthKitConfig } from './huawei-health-kit.config.js';
import { HuaweiHealthKitProvider } from './huawei-health-kit.provider.js';
import { HuaweiHealthKitStrategy } from './huawei-health-kit.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(huaweiHealthKitConfig), ProviderKitModule],
  providers: [HuaweiHealthKitProvider, HuaweiHealthKitStrategy],
})
export class HuaweiHealthKitModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: HuaweiHealthKitProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
