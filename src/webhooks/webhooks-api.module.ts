import { Module } from '@nestjs/common';
import { WebhookEndpointsController } from './webhook-endpoints.controller.js';
import { WebhooksModule } from './webhooks.module.js';

/** Webhook endpoints over HTTP: for the API only. */
@Module({ imports: [WebhooksModule], controllers: [WebhookEndpointsController] })
export class WebhooksApiModule {}
