import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { ouraConfig } from './oura.config.js';
import { OuraProvider } from './oura.provider.js';
import { OuraStrategy } from './oura.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(ouraConfig), ProviderKitModule],
  providers: [OuraProvider, OuraStrategy],
})
export class OuraModule implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: OuraProvider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
