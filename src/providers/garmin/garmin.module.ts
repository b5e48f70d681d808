import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { garminConfig } from './garmin.config.js';
import { GarminProvider } from './garmin.provider.js';
import { GarminStrategy } from './garmin.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(garminConfig), ProviderKitModule],
  providers: [GarminProvider, GarminStrategy],
})
export class GarminModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: GarminProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
