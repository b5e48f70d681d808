import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { SubscriptionCount } from './subscription-count.js';
import { SubscriptionIds } from './subscription-ids.js';
import { SubscriptionSecrets } from './subscription-secrets.js';
import { SubscriptionStore } from './subscription-store.js';
import { SubscriptionWorker } from './subscription-worker.js';
import { subscriptionsConfig } from './subscriptions.config.js';

/** Subscribes to the notifications of providers. */
@Module({
  imports: [
    ConfigModule.forFeature(subscriptionsConfig),
    ClockModule,
    DatabaseModule,
    EventsModule,
    ProviderKitModule,
    TokensModule,
    VaultModule,
  ],
  providers: [SubscriptionCount, SubscriptionIds, SubscriptionSecrets, SubscriptionStore, SubscriptionWorker],
  exports: [SubscriptionIds, SubscriptionSecrets, SubscriptionStore, SubscriptionWorker],
})
export class SubscriptionsModule {}
