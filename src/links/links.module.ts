import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AccessModule } from '../access/access.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { LinkCookies } from './link-cookies.js';
import { LinkPurge } from './link-purge.js';
import { LinkRedemption } from './link-redemption.js';
import { LinkRefusalRecorder } from './link-refusal-recorder.js';
import { LinkRevisits } from './link-revisits.js';
import { LinkSessionStore } from './link-session-store.js';
import { LinkSessionsController } from './link-sessions.controller.js';
import { LinkSessionsService } from './link-sessions.service.js';
import { LinkStore } from './link-store.js';
import { LinkVault } from './link-vault.js';
import { linksConfig } from './links.config.js';
import { LinksController } from './links.controller.js';
import { LinksService } from './links.service.js';

@Module({
  imports: [
    ConfigModule.forFeature(linksConfig),
    AccessModule,
    AuditModule,
    ClockModule,
    DatabaseModule,
    ProviderKitModule,
    TokensModule,
    VaultModule,
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
