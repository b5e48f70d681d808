import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { HooksModule } from '../hooks/hooks.module.js';
import { LinksModule } from '../links/links.module.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { ErasureLog } from './erasure-log.js';
import { ErasureStore } from './erasure-store.js';
import { UserErasureService } from './user-erasure.service.js';
import { UserExportService } from './user-export.service.js';
import { usersConfig } from './users.config.js';
import { UsersController } from './users.controller.js';

@Module({
  imports: [
    ConfigModule.forFeature(usersConfig),
    AuditModule,
    DatabaseModule,
    EventsModule,
    HooksModule,
    LinksModule,
    SubscriptionsModule,
    TokensModule,
    VaultModule,
  ],
  controllers: [UsersController],
  providers: [ErasureLog, ErasureStore, UserErasureService, UserExportService],
  exports: [UserErasureService],
})
export class UsersModule {}
