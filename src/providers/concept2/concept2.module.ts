import { Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProviderKitModule } from '../../provider-kit/provider-kit.module.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { concept2Config } from './concept2.config.js';
import { Concept2Provider } from './concept2.provider.js';
import { Concept2Strategy } from './concept2.strategy.js';

@Module({
  imports: [ConfigModule.forFeature(concept2Config), ProviderKitModule],
  providers: [Concept2Provider, Concept2Strategy],
})
export class Concept2Module implements OnModuleInit {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly provider: Concept2Provider,
  ) {}

  onModuleInit(): void {
    this.registry.register(this.provider);
  }
}
