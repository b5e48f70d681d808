import { Module } from '@nestjs/common';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { ResponseMemory } from './response-memory.js';
import { ProxyController } from './proxy.controller.js';
import { ProxyService } from './proxy.service.js';
import { SigningController } from './signing.controller.js';
import { SigningService } from './signing.service.js';

@Module({
  imports: [ProviderKitModule, TokensModule],
  controllers: [ProxyController, SigningController],
  providers: [ResponseMemory, ProxyService, SigningService],
})
export class ProxyModule {}
