import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { WebhooksModule } from '../webhooks/webhooks.module.js';

/** The modules of commands about webhook endpoints. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), WebhooksModule] })
export class WebhooksCliModule {}
