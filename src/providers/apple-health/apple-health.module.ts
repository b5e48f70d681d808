import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { appleHealthConfig } from './apple-health.config.js';
import { AppleHealthProvider } from './apple-health.provider.js';
import { AppleHealthStrategy } from './apple-health.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(appleHealthConfig), ProviderKitModule],
  providers: [AppleHealthProvider, AppleHealthStrategy],
})
export class AppleHealthModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: AppleHealthProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
