import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { ihealthConfig } from './ihealth.config.js';
import { IhealthProvider } from './ihealth.provider.js';
import { IhealthStrategy } from './ihealth.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(ihealthConfig), ProviderKitModule],
  providers: [IhealthProvider, IhealthStrategy],
})
export class IhealthModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: IhealthProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
