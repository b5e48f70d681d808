import { Module } from '@nestjs/common';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { NotificationStore } from './notification-store.js';
import { NotificationWorker } from './notification-worker.js';

/** Processes the notifications of providers. */
@Module({
  imports: [ClockModule, DatabaseModule, EventsModule, ProviderKitModule, SubscriptionsModule, TokensModule],
  providers: [NotificationStore, NotificationWorker],
  exports: [NotificationStore, NotificationWorker, SubscriptionsModule],
})
export class HooksModule {}
