import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { ultrahumanConfig } from './ultrahuman.config.js';
import { UltrahumanProvider } from './ultrahuman.provider.js';
import { UltrahumanStrategy } from './ultrahuman.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(ultrahumanConfig), ProviderKitModule],
  providers: [UltrahumanProvider, UltrahumanStrategy],
})
export class UltrahumanModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: UltrahumanProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
