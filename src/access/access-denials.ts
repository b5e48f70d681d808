import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { AuditTrail } from '../audit/audit-trail.js';
import { AppError } from '../errors/app-error.js';
import { requesterOf, type AuthenticatedRequest } from './authenticated-request.js';
import { MemoryRateStorage } from './memory-rate-storage.js';

/**
 * A denial costs whoever brings it about nothing, and could fill the audit trail: so many entries in so long for all callers whom
 * nobody knows together, and for each key and user. The counter has the rest.
 */
const limits = {
  unknown: { entries: 10, windowMs: 1_000 },
  known: { entries: 300, windowMs: 60_000 },
};

const deniedRequests = new Counter({
  name: 'cufflink_access_denials_total',
  help: 'Requests that were not let through, by the code of the answer',
  labelNames: ['code'] as const,
});

/** Leaves an audit entry for every request that is not let through (TE-08). */
@Injectable()
export class AccessDenials {
  private readonly entries = new MemoryRateStorage();

  constructor(private readonly audit: AuditTrail) {}

  /**
   * Notes a denial. The answer stays a denial when the entry cannot be written.
   *
   * @param error - what the caller is told
   * @param request - what was asked for; nothing in it has been checked
   * @param concerned - the user whom it concerns, where the path does not name one
   */
  async note(error: AppError, request: AuthenticatedRequest, concerned?: string): Promise<void> {
    deniedRequests.inc({ code: error.code });
    if (!(await this.mayRecord(request))) {
      return;
    }
    const { user_id: userId = concerned, provider } = request.params as { user_id?: string; provider?: string };
    try {
      await this.audit.record({
        ...requesterOf(request),
        action: 'access.denied',
        outcome: 'denied',
        userId,
        provider: provider !== undefined && /^[a-z0-9-]{1,100}$/.test(provider) ? provider : undefined,
        code: error.code,
      });
    } catch (failure) {
      if (!(failure instanceof AppError)) {
        throw failure;
      }
    }
  }

  private async mayRecord({ caller }: AuthenticatedRequest): Promise<boolean> {
    const { entries, windowMs } = caller === undefined ? limits.unknown : limits.known;
    const whom = caller === undefined ? '' : `${caller.actor}:${caller.userId ?? ''}`;
    return (await this.entries.count(whom, windowMs)).hits <= entries;
  }
}
