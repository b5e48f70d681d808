import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimitedError } from '../errors/request.errors.js';
import type { AuthenticatedRequest } from './authenticated-request.js';
import { networkOf } from './network-of.js';
import { rateLimitsConfig, type RateLimitsConfig } from './rate-limits.config.js';
import { RateStorage } from './rate-storage.js';

const windowMs = 60_000;

type Limit = 'address' | 'caller' | 'userToken' | 'user';

/** How often anybody may call in a minute (AR-25). */
@Injectable()
export class RateLimits {
  constructor(
    private readonly storage: RateStorage,
    @Inject(rateLimitsConfig.KEY) private readonly limits: RateLimitsConfig,
  ) {}

  /**
   * Counts a call for whoever makes it: an API key, a user with a token, or the address of a caller whom nobody knows.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  countCaller({ caller, ip }: AuthenticatedRequest): Promise<void> {
    if (caller === undefined) {
      return this.count('address', networkOf(ip));
    }
    return caller.userId === undefined ? this.count('caller', caller.actor) : this.count('userToken', caller.userId);
  }

  /**
   * Counts a change for the user whom it concerns, whoever makes it.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  countChange(userId: string): Promise<void> {
    return this.count('user', userId);
  }

  private async count(limit: Limit, whom: string): Promise<void> {
    if (this.limits[limit] === 0) {
      return;
    }
    // A digest, so that no user and no address is kept.
    const key = hash('sha256', `${limit}:${whom}`, 'base64url');
    const { hits, remainingMs } = await this.storage.count(key, windowMs);
    if (hits > this.limits[limit]) {
      throw new RateLimitedError(Math.max(1, Math.ceil(remainingMs / 1_000)));
    }
  }
}
