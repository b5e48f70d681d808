import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuditModule } from '../audit/audit.module.js';
import { ClockModule } from '../clock/clock.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { EventsModule } from '../events/events.module.js';
import { ProviderKitModule } from '../provider-kit/provider-kit.module.js';
import { VaultModule } from '../vault/vault.module.js';
import { ClockSync } from '../database/clock-sync.js';
import { ConnectionEraser } from './connection-eraser.js';
import { ConnectionLinker } from './connection-linker.js';
import { ConnectionEndings } from './scheduler/connection-endings.js';
import { ConnectionReader } from './store/connection-reader.js';
import { ConnectionStore } from './store/connection-store.js';
import { DeadTokenPurge } from './store/dead-token-purge.js';
import { GrantExchanger } from './migration/grant-exchanger.js';
import { ExpiryNotices } from './scheduler/expiry-notices.js';
import { RetirementNotices } from './scheduler/retirement-notices.js';
import { ExchangeJournal } from './migration/exchange-journal.js';
import { MigrationStore } from './migration/migration-store.js';
import { ConnectionMigrator } from './migration/connection-migrator.js';
import { MigrationRun } from './migration/migration-run.js';
import { ConnectionFreezer } from './freeze/connection-freezer.js';
import { ConnectionExporter } from './freeze/connection-exporter.js';
import { ExportStore } from './freeze/export-store.js';
import { FreezeStore } from './freeze/freeze-store.js';
import { FrozenCount } from './freeze/frozen-count.js';
import { ConnectionImporter } from './import/connection-importer.js';
import { GrantCheck } from './import/grant-check.js';
import { GrantVerifier } from './import/grant-verifier.js';
import { ImportStore } from './import/import-store.js';
import { JournalFiles } from './refresh/journal-files.js';
import { JournalRecovery } from './refresh/journal-recovery.js';
import { AccountRules } from './accounts/account-rules.js';
import { RefreshedTokenSaver } from './refresh/refreshed-token-saver.js';
import { NotifiedConnections } from './notified-connections.js';
import { OrphanedGrantRevoker } from './revocation/orphaned-grant-revoker.js';
import { AccountLookupWorker } from './accounts/account-lookup.worker.js';
import { CircuitBreakerService } from './circuit-breaker/circuit-breaker.service.js';
import { RefreshLeases } from './refresh/refresh-leases.js';
import { RefreshExchange } from './refresh/refresh-exchange.js';
import { AttemptDependencies } from './refresh/refresh-attempt.js';
import { RefreshFailureRecorder } from './refresh/refresh-failure-recorder.js';
import { RefreshJournal } from './refresh/refresh-journal.js';
import { RefreshRecorder } from './refresh/refresh-recorder.js';
import { RefreshConcurrency } from './refresh/refresh-concurrency.js';
import { RefreshScheduler } from './scheduler/refresh-scheduler.js';
import { RefreshService } from './refresh/refresh.service.js';
import { TokenFeedbackService } from './token-feedback.service.js';
import { RevocationStore } from './revocation/revocation-store.js';
import { RevocationOutbox } from './revocation/revocation-outbox.js';
import { TokenVault } from './store/token-vault.js';
import { tokensConfig } from './tokens.config.js';
import { TokensService } from './tokens.service.js';
import { UserConnectionReader } from './user-connection-reader.js';

@Module({
  imports: [
    ConfigModule.forFeature(tokensConfig),
    AuditModule,
    ClockModule,
    DatabaseModule,
    EventsModule,
    ProviderKitModule,
    VaultModule,
  ],
  providers: [
    AttemptDependencies,
    ClockSync,
    ConnectionEndings,
    ConnectionEraser,
    ConnectionExporter,
    ConnectionFreezer,
    ConnectionImporter,
    ConnectionLinker,
    ExportStore,
    ConnectionReader,
    FreezeStore,
    FrozenCount,
    GrantCheck,
    GrantVerifier,
    ImportStore,
    ConnectionStore,
    DeadTokenPurge,
    ExchangeJournal,
    GrantExchanger,
    ExpiryNotices,
    MigrationStore,
    ConnectionMigrator,
    MigrationRun,
    JournalFiles,
    JournalRecovery,
    AccountRules,
    RefreshedTokenSaver,
    NotifiedConnections,
    OrphanedGrantRevoker,
    AccountLookupWorker,
    CircuitBreakerService,
    RefreshLeases,
    RefreshExchange,
    RefreshFailureRecorder,
    RefreshJournal,
    RefreshScheduler,
    RefreshRecorder,
    RefreshService,
    RefreshConcurrency,
    TokenFeedbackService,
    RetirementNotices,
    RevocationOutbox,
    RevocationStore,
    TokenVault,
    TokensService,
    UserConnectionReader,
  ],
  exports: [
    CircuitBreakerService,
    ConnectionEraser,
    ConnectionExporter,
    ConnectionFreezer,
    ConnectionImporter,
    ConnectionLinker,
    MigrationRun,
    NotifiedConnections,
    OrphanedGrantRevoker,
    TokenFeedbackService,
    TokensService,
    UserConnectionReader,
  ],
})
export class TokensModule {}
