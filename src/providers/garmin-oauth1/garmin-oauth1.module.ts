import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { garminOauth1Config } from './garmin-oauth1.config.js';
import { GarminOauth1Provider } from './garmin-oauth1.provider.js';
import { GarminOauth1Strategy } from './garmin-oauth1.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(garminOauth1Config), ProviderKitModule],
  providers: [GarminOauth1Provider, GarminOauth1Strategy],
})
export class GarminOauth1Module implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: GarminOauth1Provider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
