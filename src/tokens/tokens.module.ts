import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { ClockSync } from '../database/clock-sync.js';
import { ConnectionEndings } from './scheduler/connection-endings.js';
import { ConnectionReader } from './store/connection-reader.js';
import { ConnectionStore } from './store/connection-store.js';
import { DeadTokenPurge } from './store/dead-token-purge.js';
import { ExchangeJournal } from './migration/exchange-journal.js';
import { GrantMigrationStore } from './migration/migration-store.js';
import { GrantMigration } from './migration/connection-migrator.js';
import { GrantMigrations } from './migration/migration-run.js';
import { JournalRecovery } from './refresh/journal-recovery.js';
import { LinkedAccounts } from './accounts/account-rules.js';
import { ObtainedGrants } from './refresh/refreshed-token-saver.js';
import { OrphanedGrants } from './revocation/orphaned-grant-revoker.js';
import { PendingAccounts } from './accounts/account-lookup.worker.js';
import { ProviderGates } from './circuit-breaker/circuit-breaker.service.js';
import { RefreshClaims } from './refresh/refresh-claims.js';
import { RefreshExchange } from './refresh/refresh-exchange.js';
import { RefreshJournal } from './refresh/refresh-journal.js';
import { RefreshOutcomes } from './refresh/refresh-recorder.js';
import { RefreshSlots } from './refresh/refresh-slots.js';
import { RefreshScheduler } from './scheduler/refresh-scheduler.js';
import { RefreshService } from './refresh/refresh.service.js';
import { TokenFeedbackService } from './token-feedback.service.js';
import { RevocationOutbox } from './revocation/revocation-outbox.js';
import { TokenVault } from './store/token-vault.js';
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
