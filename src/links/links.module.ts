import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { LinkCookies } from './link-cookies.js';
import { LinkRedemption } from './link-redemption.js';
import { LinkStore } from './link-store.js';
import { LinkVault } from './link-vault.js';
import { linksConfig } from './links.config.js';
import { LinksController } from './links.controller.js';
import { LinksService } from './links.service.js';

@Module({
  imports: [
    ConfigModule.forFeature(linksConfig),
    ClockModule,
    DatabaseModule,
    ProviderKitModule,
    TokensModule,
    VaultModule,
  ],
  controllers: [LinksController],
  providers: [LinkCookies, LinkRedemption, LinkStore, LinkVault, LinksService],
  exports: [LinkStore],
})
export class LinksModule {}
