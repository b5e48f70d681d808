import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { suuntoConfig } from './suunto.config.js';
import { SuuntoProvider } from './suunto.provider.js';
import { SuuntoStrategy } from './suunto.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(suuntoConfig), ProviderKitModule],
  providers: [SuuntoProvider, SuuntoStrategy],
})
export class SuuntoModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: SuuntoProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
