import { Module } from '@nestjs/common';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { HeldAnswers } from './held-answers.js';
import { ProxyController } from './proxy.controller.js';
import { ProxyService } from './proxy.service.js';
import { SigningController } from './signing.controller.js';
import { SigningService } from './signing.service.js';

@Module({
  imports: [ProviderKitModule, TokensModule],
  controllers: [ProxyController, SigningController],
  providers: [HeldAnswers, ProxyService, SigningService],
})
export class ProxyModule {}
