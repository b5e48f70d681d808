import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { quotaHeaders } from '../errors/app-error.filter.js';
import { unlimitedMetadata } from './access.decorators.js';
import type { AuthenticatedRequest } from './authenticated-request.js';
import { RateLimits } from './rate-limits.js';

/**
 * Refuses too many calls of known callers with 429 (AR-25). Runs after the access guard, which counts the calls that it
 * refuses itself. Responses have the remaining quota. Every route is limited unless it is `@Unlimited()`. Addresses are
 * counted earlier, by `AddressLimit`.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const { caller } = http.getRequest<AuthenticatedRequest>();
    const targets = [context.getHandler(), context.getClass()];
    const isUnlimited = this.reflector.getAllAndOverride<boolean | undefined>(unlimitedMetadata, targets) === true;
    if (caller !== undefined && !isUnlimited) {
      const quota = await this.limits.countCaller(caller);
      if (quota !== undefined) {
        void http.getResponse<FastifyReply>().headers(quotaHeaders(quota));
      }
    }
    return true;
  }
}
