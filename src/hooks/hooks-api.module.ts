import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { HooksController } from './hooks.controller.js';
import { HooksModule } from './hooks.module.js';
import { HooksService } from './hooks.service.js';
import { NotificationOpener } from './notification-opener.js';

/** Receives the notifications of providers. */
@Module({
  imports: [ClockModule, HooksModule, ProviderKitModule, TokensModule],
  controllers: [HooksController],
  providers: [HooksService, NotificationOpener],
})
export class HooksApiModule {}
