import type { PoolConfig } from 'pg';
import type { DataSourceOptions } from 'typeorm';
import type { DatabaseConfig } from './database.config.js';
import { planOnce } from './plan-once.js';
import { AccountEntity } from './entities/account.entity.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import { AuditEntryEntity } from './entities/audit-entry.entity.js';
import { AuditWriterEntity } from './entities/audit-writer.entity.js';
import { CircuitBreakerEntity } from './entities/circuit-breaker.entity.js';
import { ConnectionCountEntity } from './entities/connection-count.entity.js';
import { ConnectionEntity } from './entities/connection.entity.js';
import { ConsoleSessionEntity } from './entities/console-session.entity.js';
import { ErasureEntity } from './entities/erasure.entity.js';
import { EventCursorEntity } from './entities/event-cursor.entity.js';
import { EventEntity } from './entities/event.entity.js';
import { GrantMigrationEntity } from './entities/grant-migration.entity.js';
import { IdempotencyKeyEntity } from './entities/idempotency-key.entity.js';
import { LinkEntity } from './entities/link.entity.js';
import { LinkSessionEntity } from './entities/link-session.entity.js';
import { NotificationEntity } from './entities/notification.entity.js';
import { RateLimitEntity } from './entities/rate-limit.entity.js';
import { RevocationEntity } from './entities/revocation.entity.js';
import { SubscriptionEntity } from './entities/subscription.entity.js';
import { VaultKeyEntity } from './entities/vault-key.entity.js';
import { VaultReplicaEntity } from './entities/vault-replica.entity.js';
import { WebhookAttemptEntity } from './entities/webhook-attempt.entity.js';
import { WebhookEndpointEntity } from './entities/webhook-endpoint.entity.js';
import { CreateTables1795305600000 } from './migrations/1795305600000-CreateTables.js';
import { AddKeyLifecycle1795410000000 } from './migrations/1795410000000-AddKeyLifecycle.js';
import { CreateProviderGates1795420000000 } from './migrations/1795420000000-CreateProviderGates.js';
import { AddRefreshDueAt1795430000000 } from './migrations/1795430000000-AddRefreshDueAt.js';
import { CreateRevocations1795430010000 } from './migrations/1795430010000-CreateRevocations.js';
import { CreateAuditTrail1795440000000 } from './migrations/1795440000000-CreateAuditTrail.js';
import { ParkLinks1795470000000 } from './migrations/1795470000000-ParkLinks.js';
import { CreateLinkSessions1795470001000 } from './migrations/1795470001000-CreateLinkSessions.js';
import { IndexAccounts1795470002000 } from './migrations/1795470002000-IndexAccounts.js';
import { AddApiKeyOptions1795480000000 } from './migrations/1795480000000-AddApiKeyOptions.js';
import { CreateRateLimits1795480100000 } from './migrations/1795480100000-CreateRateLimits.js';
import { CreateErasures1795490000000 } from './migrations/1795490000000-CreateErasures.js';
import { EraseDeadTokens1795500000000 } from './migrations/1795500000000-EraseDeadTokens.js';
import { AddAuditCheckpoints1795500001000 } from './migrations/1795500001000-AddAuditCheckpoints.js';
import { LeaveRoomForClaims1795510000000 } from './migrations/1795510000000-LeaveRoomForClaims.js';
import { CreateGrantMigrations1795530000000 } from './migrations/1795530000000-CreateGrantMigrations.js';
import { AskForAccounts1795540000000 } from './migrations/1795540000000-AskForAccounts.js';
import { IndexUnknownAccounts1795560000000 } from './migrations/1795560000000-IndexUnknownAccounts.js';
import { TellUnknownScopes1796000000000 } from './migrations/1796000000000-TellUnknownScopes.js';
import { AddAuditAddress1796050000000 } from './migrations/1796050000000-AddAuditAddress.js';
import { BindAuthority1796060000000 } from './migrations/1796060000000-BindAuthority.js';
import { TellWhyConnectionsEnd1796070000000 } from './migrations/1796070000000-TellWhyConnectionsEnd.js';
import { RenameLeasesAndCircuitBreakers1796090000000 } from './migrations/1796090000000-RenameLeasesAndCircuitBreakers.js';
import { CreateEvents1796100000000 } from './migrations/1796100000000-CreateEvents.js';
import { CreateNotifications1796110000000 } from './migrations/1796110000000-CreateNotifications.js';
import { CreateWebhooks1796120000000 } from './migrations/1796120000000-CreateWebhooks.js';
import { AnnounceExpiry1796130000000 } from './migrations/1796130000000-AnnounceExpiry.js';
import { AddKeySuite1796140000000 } from './migrations/1796140000000-AddKeySuite.js';
import { ShowConnectionsInSessions1796150000000 } from './migrations/1796150000000-ShowConnectionsInSessions.js';
import { CreateFleet1796200000000 } from './migrations/1796200000000-CreateFleet.js';
import { MoveConnections1796300000000 } from './migrations/1796300000000-MoveConnections.js';
import { CreateIdempotencyKeys1796310000000 } from './migrations/1796310000000-CreateIdempotencyKeys.js';
import { CreateSubscriptions1796410000000 } from './migrations/1796410000000-CreateSubscriptions.js';
import { TellExpiryMoves1796420000000 } from './migrations/1796420000000-TellExpiryMoves.js';
import { NameSubscriptions1796700000000 } from './migrations/1796700000000-NameSubscriptions.js';
import { AddProcessGeneration1796750000000 } from './migrations/1796750000000-AddProcessGeneration.js';
import { CreateAccounts1796800000000 } from './migrations/1796800000000-CreateAccounts.js';

/** Time limit of a statement in milliseconds. PostgreSQL ends it then. No statement here needs a tenth of it. */
const statementTimeoutMs = 10_000;

/** Most connections of this process to a read replica. Few people read lists. */
const readPoolSize = 4;

type DataSourceSettings = Pick<DatabaseConfig, 'url' | 'poolSize' | 'migrateOnBoot'>;

/**
 * The database for the migration command. Statements have no time limit, because the migration of a large table takes
 * long. Each migration has a transaction of its own, so that it holds only its own locks.
 */
export function migrationOptions(config: DataSourceSettings): DataSourceOptions {
  return { ...dataSourceOptions(config), extra: {}, migrationsTransactionMode: 'each' };
}

/**
 * The one description of the database, for the application and, with {@link migrationOptions}, for the migration
 * command.
 */
export function dataSourceOptions(config: DataSourceSettings): DataSourceOptions {
  return {
    type: 'postgres',
    url: config.url,
    entities: [
      AccountEntity,
      ApiKeyEntity,
      AuditEntryEntity,
      AuditWriterEntity,
      CircuitBreakerEntity,
      ConnectionCountEntity,
      ConnectionEntity,
      ConsoleSessionEntity,
      ErasureEntity,
      EventCursorEntity,
      EventEntity,
      GrantMigrationEntity,
      IdempotencyKeyEntity,
      LinkEntity,
      LinkSessionEntity,
      NotificationEntity,
      RateLimitEntity,
      RevocationEntity,
      SubscriptionEntity,
      VaultKeyEntity,
      VaultReplicaEntity,
      WebhookAttemptEntity,
      WebhookEndpointEntity,
    ],
    migrations: [
      CreateTables1795305600000,
      AddKeyLifecycle1795410000000,
      CreateProviderGates1795420000000,
      AddRefreshDueAt1795430000000,
      CreateRevocations1795430010000,
      CreateAuditTrail1795440000000,
      ParkLinks1795470000000,
      CreateLinkSessions1795470001000,
      IndexAccounts1795470002000,
      AddApiKeyOptions1795480000000,
      CreateRateLimits1795480100000,
      CreateErasures1795490000000,
      EraseDeadTokens1795500000000,
      AddAuditCheckpoints1795500001000,
      LeaveRoomForClaims1795510000000,
      CreateGrantMigrations1795530000000,
      AskForAccounts1795540000000,
      IndexUnknownAccounts1795560000000,
      TellUnknownScopes1796000000000,
      AddAuditAddress1796050000000,
      BindAuthority1796060000000,
      TellWhyConnectionsEnd1796070000000,
      RenameLeasesAndCircuitBreakers1796090000000,
      CreateEvents1796100000000,
      CreateNotifications1796110000000,
      CreateWebhooks1796120000000,
      AnnounceExpiry1796130000000,
      AddKeySuite1796140000000,
      ShowConnectionsInSessions1796150000000,
      CreateFleet1796200000000,
      MoveConnections1796300000000,
      CreateIdempotencyKeys1796310000000,
      CreateSubscriptions1796410000000,
      TellExpiryMoves1796420000000,
      NameSubscriptions1796700000000,
      AddProcessGeneration1796750000000,
      CreateAccounts1796800000000,
    ],
    migrationsRun: config.migrateOnBoot,
    synchronize: false,
    poolSize: config.poolSize,
    applicationName: 'cufflink',
    connectTimeoutMS: 5_000,
    extra: {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 1_000,
      options: planOnce,
    },
  };
}

/** The connections to a read replica. They cannot write, even if the URL names the primary. */
export function readPoolOptions(url: string): PoolConfig {
  return {
    connectionString: url,
    max: readPoolSize,
    application_name: 'cufflink-read',
    // Short, because pages wait for it.
    connectionTimeoutMillis: 2_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    options: `${planOnce} -c default_transaction_read_only=on`,
  };
}
