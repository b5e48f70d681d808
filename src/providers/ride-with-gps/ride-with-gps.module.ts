import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { rideWithGpsConfig } from './ride-with-gps.config.js';
import { RideWithGpsProvider } from './ride-with-gps.provider.js';
import { RideWithGpsStrategy } from './ride-with-gps.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(rideWithGpsConfig), ProviderKitModule],
  providers: [RideWithGpsProvider, RideWithGpsStrategy],
})
export class RideWithGpsModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: RideWithGpsProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
