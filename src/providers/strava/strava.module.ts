import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { stravaConfig } from './strava.config.js';
import { StravaProvider } from './strava.provider.js';
import { StravaStrategy } from './strava.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(stravaConfig), ProviderKitModule],
  providers: [StravaProvider, StravaStrategy],
})
export class StravaModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: StravaProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
