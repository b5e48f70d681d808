import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimitedError } from '../errors/request.errors.js';
import type { AuthenticatedRequest } from './authenticated-request.js';
import { networkOf } from './network-of.js';
import { rateLimitsConfig, type RateLimitsConfig } from './rate-limits.config.js';
import { RateStorage } from './rate-storage.js';

const windowMs = 60_000;

type Limit = 'address' | 'caller' | 'userToken' | 'user';

/** What is counted for itself, and by which limit. */
const windows = {
  address: 'address',
  refused: 'address',
  caller: 'caller',
  userToken: 'userToken',
  user: 'user',
} as const satisfies Record<string, Limit>;

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
   * Counts a call that was refused, for whoever makes it. An address whose calls are refused may still bring users back from a maker: behind
   * a proxy that is not known as one, everybody has the same address.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  countRefused(request: AuthenticatedRequest): Promise<void> {
    return request.caller === undefined ? this.count('refused', networkOf(request.ip)) : this.countCaller(request);
  }

  /**
   * Counts a change for the user whom it concerns, whoever makes it.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  countChange(userId: string): Promise<void> {
    return this.count('user', userId);
  }

  private async count(window: keyof typeof windows, whom: string): Promise<void> {
    const limit = this.limits[windows[window]];
    if (limit === 0) {
      return;
    }
    // A digest, so that no user and no address is kept.
    const key = hash('sha256', `${window}:${whom}`, 'base64url');
    const { hits, remainingMs } = await this.storage.count(key, windowMs);
    if (hits > limit) {
      throw new RateLimitedError(Math.max(1, Math.ceil(remainingMs / 1_000)));
    }
  }
}
