import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { fatsecretConfig } from './fatsecret.config.js';
import { FatsecretProvider } from './fatsecret.provider.js';
import { FatsecretStrategy } from './fatsecret.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(fatsecretConfig), ProviderKitModule],
  providers: [FatsecretProvider, FatsecretStrategy],
})
export class FatsecretModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: FatsecretProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
