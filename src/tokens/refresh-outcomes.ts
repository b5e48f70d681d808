import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import { AppError } from '../errors/app-error.js';
import type { ErrorCode } from '../errors/error-code.js';
import type { StoredConnection } from './connection-store.js';
import { refreshes } from './tokens.metrics.js';

/** How a call to a provider's token endpoint ended: new tokens that are stored, ones that came too late, or none. */
export type RefreshOutcome = 'refreshed' | 'superseded' | ErrorCode;

/** Counts how refreshes end, and leaves one audit entry for each (I5). */
@Injectable()
export class RefreshOutcomes {
  constructor(private readonly audit: AuditTrail) {}

  /**
   * Notes the end of one refresh. What has happened at the provider has happened: an entry that cannot be written, which the
   * audit trail logs, stops nothing. A hand-out of the new token still needs an entry of its own.
   */
  async note(
    { userId, provider, id: connectionId }: Pick<StoredConnection, 'userId' | 'provider' | 'id'>,
    outcome: RefreshOutcome,
  ): Promise<void> {
    refreshes.inc({ provider, outcome });
    const about = { actor: 'service', userId, provider, connectionId };
    try {
      if (outcome === 'refreshed') {
        await this.audit.record({ ...about, action: 'token.refreshed', outcome: 'success' });
      } else if (outcome === 'superseded') {
        await this.audit.record({ ...about, action: 'token.refresh_superseded', outcome: 'success' });
      } else {
        await this.audit.record({ ...about, action: 'token.refresh_failed', outcome: 'failed', code: outcome });
      }
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
    }
  }
}
