import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AccessModule } from '../access/access.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { linksConfig } from '../links/links.config.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { VaultKeysModule } from '../vault/vault-keys.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { ConsoleConnections } from './console-connections.js';
import { ConsoleCookie } from './console-cookie.js';
import { ConsoleFindings } from './console-findings.js';
import { ConsoleResponse } from './console-response.js';
import { ConsoleSessionController } from './console-session.controller.js';
import { ConsoleSessionStore } from './console-session-store.js';
import { ConsoleSessions } from './console-sessions.js';
import { consoleConfig } from './console.config.js';
import { ConsoleController } from './console.controller.js';

/** The console of operators, at /console. */
@Module({
  imports: [
    AccessModule,
    AuditModule,
    ClockModule,
    ConfigModule.forFeature(consoleConfig),
    ConfigModule.forFeature(linksConfig),
    DatabaseModule,
    FleetModule,
    ProviderKitModule,
    TokensModule,
    VaultKeysModule,
    WebhooksModule,
  ],
  controllers: [ConsoleController, ConsoleSessionController],
  providers: [
    ConsoleConnections,
    ConsoleCookie,
    ConsoleFindings,
    ConsoleResponse,
    ConsoleSessions,
    ConsoleSessionStore,
  ],
})
export class ConsoleModule {}
