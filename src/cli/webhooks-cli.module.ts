import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { WebhooksModule } from '../webhooks/webhooks.module.js';

/** What commands about webhook endpoints need. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), WebhooksModule] })
export class WebhooksCliModule {}
