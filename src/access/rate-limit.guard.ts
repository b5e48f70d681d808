import { createHash } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RateLimitedError } from '../errors/request.errors.js';
import { accessMetadata, unlimitedMetadata, type AccessRule } from './access.decorators.js';
import type { AuthenticatedRequest } from './authenticated-request.js';
import { networkOf } from './network-of.js';
import { rateLimitsConfig, type RateLimitsConfig } from './rate-limits.config.js';
import { RateStorage } from './rate-storage.js';

const windowMs = 60_000;

/**
 * Answers callers that come too often with 429 (AR-25). Runs behind the access guard: what nobody may do is refused before it is
 * counted. Every route is limited unless it is `@Unlimited()`.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly storage: RateStorage,
    @Inject(rateLimitsConfig.KEY) private readonly limits: RateLimitsConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(unlimitedMetadata, targets) === true) {
      return true;
    }
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(accessMetadata, targets);
    return this.limit(context, rule);
  }

  private async limit(context: ExecutionContext, rule: AccessRule | undefined): Promise<true> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const { caller } = request;
    await this.count('address', rule?.kind === 'public' ? networkOf(request.ip) : undefined);
    await this.count('caller', caller && `${caller.actor}:${caller.userId ?? ''}`);
    await this.count('user', changedUser(request));
    return true;
  }

  /** @throws {@link RateLimitedError} when this call is one too many */
  private async count(limit: 'address' | 'caller' | 'user', whom: string | undefined): Promise<void> {
    if (whom === undefined || this.limits[limit] === 0) {
      return;
    }
    // A digest, so that no user and no address is kept.
    const key = createHash('sha256').update(`${limit}:${whom}`).digest('base64url');
    const { hits, remainingMs } = await this.storage.count(key, windowMs);
    if (hits > this.limits[limit]) {
      throw new RateLimitedError(Math.max(1, Math.ceil(remainingMs / 1_000)));
    }
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
