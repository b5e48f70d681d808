import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AccessModule } from '../access/access.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { WebModule } from '../web/web.module.js';
import { LinkCookies } from './link-cookies.js';
import { LinkPurge } from './store/link-purge.js';
import { LinkRedemption } from './callback/link-redemption.js';
import { LinkRefusalRecorder } from './link-refusal-recorder.js';
import { LinkRevisits } from './callback/link-revisits.js';
import { LinkSessionStore } from './store/link-session-store.js';
import { LinkSessionsController } from './sessions/link-sessions.controller.js';
import { LinkSessionsService } from './sessions/link-sessions.service.js';
import { LinkStore } from './store/link-store.js';
import { LinkVault } from './store/link-vault.js';
import { linksConfig } from './links.config.js';
import { LinksController } from './links.controller.js';
import { LinksService } from './links.service.js';

@Module({
  imports: [
    IdempotencyModule,
    ConfigModule.forFeature(linksConfig),
    AccessModule,
    AuditModule,
    ClockModule,
    DatabaseModule,
    ProviderKitModule,
    TokensModule,
    VaultModule,
    WebModule,
  ],
  controllers: [LinksController, LinkSessionsController],
  providers: [
    LinkCookies,
    LinkPurge,
    LinkRedemption,
    LinkRefusalRecorder,
    LinkRevisits,
    LinkSessionStore,
    LinkSessionsService,
    LinkStore,
    LinkVault,
    LinksService,
  ],
  exports: [LinkCookies, LinkSessionsService, LinkSessionStore, LinkStore],
})
export class LinksModule {}
