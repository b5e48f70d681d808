import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { AuditTrail } from '../audit/audit-trail.js';
import { Clock } from '../clock/clock.js';
import { AppError } from '../errors/app-error.js';
import { requesterOf, type AuthenticatedRequest } from './authenticated-request.js';

/** Whoever has no valid key could fill the audit trail: so many entries a second, the counter has the rest. */
const maxUnknownPerSecond = 10;

const deniedRequests = new Counter({
  name: 'cufflink_access_denials_total',
  help: 'Requests that were not let through, by the code of the answer',
  labelNames: ['code'] as const,
});

/** Leaves an audit entry for every request that is not let through (TE-08). */
@Injectable()
export class AccessDenials {
  private second = 0;
  private unknownInSecond = 0;

  constructor(
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
  ) {}

  /**
   * Notes a denial. The answer stays a denial when the entry cannot be written.
   *
   * @param error - what the caller is told
   * @param request - what was asked for; nothing in it has been checked
   */
  async note(error: AppError, request: AuthenticatedRequest): Promise<void> {
    deniedRequests.inc({ code: error.code });
    if (request.caller === undefined && !this.mayRecordUnknown()) {
      return;
    }
    const { user_id: userId, provider } = request.params as { user_id?: string; provider?: string };
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

  private mayRecordUnknown(): boolean {
    const second = Math.floor(this.clock.now().getTime() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.unknownInSecond = 0;
    }
    this.unknownInSecond += 1;
    return this.unknownInSecond <= maxUnknownPerSecond;
  }
}
