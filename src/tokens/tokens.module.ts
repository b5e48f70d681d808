import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { ClockSync } from './clock-sync.js';
import { ConnectionEndings } from './connection-endings.js';
import { ConnectionReader } from './connection-reader.js';
import { ConnectionStore } from './connection-store.js';
import { DeadTokenPurge } from './dead-token-purge.js';
import { ExchangeJournal } from './exchange-journal.js';
import { GrantMigrationStore } from './grant-migration-store.js';
import { GrantMigration } from './grant-migration.js';
import { GrantMigrations } from './grant-migrations.js';
import { JournalRecovery } from './journal-recovery.js';
import { LinkedAccounts } from './linked-accounts.js';
import { ObtainedGrants } from './obtained-grants.js';
import { OrphanedGrants } from './orphaned-grants.js';
import { PendingAccounts } from './pending-accounts.js';
import { ProviderGates } from './provider-gates.js';
import { RefreshClaims } from './refresh-claims.js';
import { RefreshExchange } from './refresh-exchange.js';
import { RefreshJournal } from './refresh-journal.js';
import { RefreshOutcomes } from './refresh-outcomes.js';
import { RefreshSlots } from './refresh-slots.js';
import { RefreshScheduler } from './refresh-scheduler.js';
import { RefreshService } from './refresh.service.js';
import { TokenFeedbackService } from './token-feedback.service.js';
import { RevocationOutbox } from './revocation-outbox.js';
import { TokenVault } from './token-vault.js';
import { tokensConfig } from './tokens.config.js';
import { TokensService } from './tokens.service.js';
import { UserGrants } from './user-grants.js';

@Module({
  imports: [
    ConfigModule.forFeature(tokensConfig),
    AuditModule,
    ClockModule,
    DatabaseModule,
    ProviderKitModule,
    VaultModule,
  ],
  providers: [
    ClockSync,
    ConnectionEndings,
    ConnectionReader,
    ConnectionStore,
    DeadTokenPurge,
    ExchangeJournal,
    GrantMigrationStore,
    GrantMigration,
    GrantMigrations,
    JournalRecovery,
    LinkedAccounts,
    ObtainedGrants,
    OrphanedGrants,
    PendingAccounts,
    ProviderGates,
    RefreshClaims,
    RefreshExchange,
    RefreshJournal,
    RefreshScheduler,
    RefreshOutcomes,
    RefreshService,
    RefreshSlots,
    TokenFeedbackService,
    RevocationOutbox,
    TokenVault,
    TokensService,
    UserGrants,
  ],
  exports: [GrantMigrations, OrphanedGrants, TokenFeedbackService, TokensService, UserGrants],
})
export class TokensModule {}
