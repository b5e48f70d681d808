import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { googleHealthConfig } from './google-health.config.js';
import { GoogleHealthProvider } from './google-health.provider.js';
import { GoogleHealthStrategy } from './google-health.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(googleHealthConfig), ProviderKitModule],
  providers: [GoogleHealthProvider, GoogleHealthStrategy],
})
export class GoogleHealthModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: GoogleHealthProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
