import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ProvidersModule } from '../providers/providers.module.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';

/** The parts for commands about subscriptions, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, SubscriptionsModule] })
export class SubscriptionsCliModule {}
