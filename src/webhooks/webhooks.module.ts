import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { HostResolver } from '../provider-kit/http/host-resolver.js';
import { outboundConfig } from '../provider-kit/http/outbound.config.js';
import { VaultModule } from '../vault/vault.module.js';
import { AttemptPurge } from './attempt-purge.js';
import { AttemptStore } from './attempt-store.js';
import { DeliveryQueue } from './delivery-queue.js';
import { DeliveryWorker } from './delivery-worker.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { EndpointStore } from './endpoint-store.js';
import { EventDispatcher } from './event-dispatcher.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';
import { WebhookHttpClient, WebhookOutboundPolicy } from './webhook-http-client.js';
import { WebhookRequest } from './webhook-request.js';

@Module({
  imports: [
    ConfigModule.forFeature(outboundConfig),
    AuditModule,
    ClockModule,
    DatabaseModule,
    EventsModule,
    VaultModule,
  ],
  providers: [
    AttemptPurge,
    AttemptStore,
    DeliveryQueue,
    DeliveryWorker,
    EndpointSecrets,
    EndpointStore,
    EventDispatcher,
    HostResolver,
    WebhookEndpointsService,
    WebhookHttpClient,
    WebhookOutboundPolicy,
    WebhookRequest,
  ],
  exports: [WebhookEndpointsService],
})
export class WebhooksModule {}
