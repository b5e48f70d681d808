import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { RefusalRecorder } from '../audit/refusal-recorder.js';
import type { AppError } from '../errors/app-error.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { requesterOf, type AuthenticatedRequest } from './authenticated-request.js';

const deniedRequests = new Counter({
  name: 'cufflink_access_denials_total',
  help: 'Rejected requests, by error code',
  labelNames: ['code'] as const,
});

/** Audits every request that is refused (TE-08). */
@Injectable()
export class AccessDenials {
  constructor(
    private readonly refusals: RefusalRecorder,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * Audits a denial. The entry does not name the user in the request: the caller may not act for that user, and nobody
   * has checked that the user exists.
   *
   * @param error - the error for the caller
   * @param request - with its caller, if that is known
   */
  async note(error: AppError, request: AuthenticatedRequest): Promise<void> {
    const { code } = error;
    deniedRequests.inc({ code });
    const { caller, params } = request;
    const { provider } = params as { provider?: string };
    await this.refusals.record(
      {
        ...requesterOf(request),
        action: 'access.denied',
        userId: caller?.userId,
        provider: provider !== undefined && this.registry.has(provider) ? provider : undefined,
        code,
      },
      caller && `${caller.actor}:${caller.userId ?? ''}`,
    );
  }
}
