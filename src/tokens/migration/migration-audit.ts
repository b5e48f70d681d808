import type { AuditTrail } from '../../audit/audit-trail.js';
import type { ErrorCode } from '../../errors/error-code.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { LeasedMigration } from './migration-store.js';

/**
 * Records one step of a migration in the audit trail.
 *
 * @param code - why the step failed; absent when it succeeded
 * @throws {@link DatabaseUnavailableError} when the entry cannot be written
 */
export function recordMigration(
  audit: AuditTrail,
  { successor }: { readonly successor: HealthProvider },
  { userId, provider, id }: LeasedMigration,
  action: 'connection.exchange_begun' | 'connection.exchanged' | 'connection.exchange_failed' | 'connection.migrated',
  code?: ErrorCode,
): Promise<void> {
  const subject = `provider:${successor.definition.slug}`;
  const outcome = code === undefined ? 'success' : 'failed';
  return audit.record({ action, outcome, actor: 'cli', userId, provider, connectionId: id, subject, code });
}
