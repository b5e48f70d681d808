import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ApiKeysModule } from '../access/api-keys.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { MovingModule } from '../moving/moving.module.js';
import { ProvidersModule } from '../providers/providers.module.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';
import { UsersModule } from '../users/users.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';

/** The parts of the service for commands about keys. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ApiKeysModule, AuditModule] })
export class CliModule {}

/** The parts for commands about connections, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), FleetModule, ProvidersModule, MovingModule] })
export class ConnectionsCliModule {}

/** The parts for commands about users, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, UsersModule] })
export class UsersCliModule {}

/** The parts for commands about subscriptions, with the providers. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), ProvidersModule, SubscriptionsModule] })
export class SubscriptionsCliModule {}

/** What commands about webhook endpoints need. */
@Module({ imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), WebhooksModule] })
export class WebhooksCliModule {}
