import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { fitbitOauth1Config } from './fitbit-oauth1.config.js';
import { FitbitOauth1Provider } from './fitbit-oauth1.provider.js';
import { FitbitOauth1Strategy } from './fitbit-oauth1.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(fitbitOauth1Config), ProviderKitModule],
  providers: [FitbitOauth1Provider, FitbitOauth1Strategy],
})
export class FitbitOauth1Module implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: FitbitOauth1Provider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
