import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { unlimitedMetadata } from './access.decorators.js';
import type { AuthenticatedRequest } from './authenticated-request.js';
import { RateLimits } from './rate-limits.js';

/**
 * Answers callers that come too often with 429 (AR-25). Runs behind the access guard, which counts what it refuses itself. Every
 * route is limited unless it is `@Unlimited()`.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const isUnlimited = this.reflector.getAllAndOverride<boolean | undefined>(unlimitedMetadata, targets) === true;
    return isUnlimited || this.limit(context.switchToHttp().getRequest<AuthenticatedRequest>());
  }

  private async limit(request: AuthenticatedRequest): Promise<true> {
    await this.limits.countCaller(request);
    const userId = changedUser(request);
    if (userId !== undefined) {
      await this.limits.countChange(userId);
    }
    return true;
  }
}

/** The user whom a call may change: the one in the path, or in a body that nobody has checked yet. */
function changedUser({ method, params, body }: AuthenticatedRequest): string | undefined {
  if (method === 'GET' || method === 'HEAD') {
    return undefined;
  }
  const named = (params as { user_id?: string }).user_id ?? (body as { user_id?: unknown } | null | undefined)?.user_id;
  return typeof named === 'string' ? named : undefined;
}
