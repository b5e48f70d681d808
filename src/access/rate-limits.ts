import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimitedError, type CallQuota } from '../errors/request.errors.js';
import type { Caller } from './caller.js';
import { networkOf } from './network-of.js';
import { rateLimitsConfig, type RateLimitsConfig } from './rate-limits.config.js';
import { RateStorage } from './rate-storage.js';

const windowMs = 60_000;
/** Most keys over their limit that are remembered; the oldest is forgotten first. */
const maxRemembered = 100_000;

type Limit = 'address' | 'hook' | 'caller' | 'userToken' | 'user';

/** The counters, each with its limit. */
const windows = {
  page: 'address',
  hook: 'hook',
  guess: 'address',
  caller: 'caller',
  userToken: 'userToken',
  user: 'user',
} as const satisfies Record<string, Limit>;

/**
 * Calls allowed in a minute (AR-25). A call is counted for its address, or for somebody for whom the caller may act. It
 * is never counted for a name that a caller has only written down (AR-26).
 */
@Injectable()
export class RateLimits {
  /** Until when each key is over its limit, by the monotonic clock. These need no question to the storage. */
  private readonly overUntil = new Map<string, number>();

  constructor(
    private readonly storage: RateStorage,
    @Inject(rateLimitsConfig.KEY) private readonly limits: RateLimitsConfig,
  ) {}

  /**
   * Counts a call to a page that is open to anyone, for its address.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  async countPage(address: string): Promise<void> {
    await this.count('page', networkOf(address));
  }

  /**
   * Counts a notification of a provider, for its address: a few addresses send for many users.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  async countHook(address: string): Promise<void> {
    await this.count('hook', networkOf(address));
  }

  /**
   * Counts a call without known credentials for its address. Pages have a count of their own: behind a proxy that is
   * not configured as one, everybody has the same address, and users must still come back from providers.
   *
   * @throws {@link RateLimitedError} when this call is one too many
   */
  async countGuess(address: string): Promise<void> {
    await this.count('guess', networkOf(address));
  }

  /** Tells whether an address is known to be over the limit of {@link countGuess}, without the storage. */
  isGuessingTooOften(address: string): boolean {
    return this.overUntil.size > 0 && this.remainingMs(keyOf('guess', networkOf(address))) > 0;
  }

  /**
   * Counts a call of a known caller: for the API key, or for the user with all tokens together.
   *
   * @returns the remaining quota; `undefined` without a limit
   * @throws {@link RateLimitedError} when this call is one too many
   */
  countCaller({ actor, userId }: Caller): Promise<CallQuota | undefined> {
    return userId === undefined ? this.count('caller', actor) : this.count('userToken', userId);
  }

  /**
   * Counts a change for the user whom it concerns.
   *
   * @param userId - the caller may act for this user
   * @throws {@link RateLimitedError} when this call is one too many
   */
  async countChange(userId: string): Promise<void> {
    await this.count('user', userId);
  }

  private async count(window: keyof typeof windows, whom: string): Promise<CallQuota | undefined> {
    const limit = this.limits[windows[window]];
    if (limit === 0) {
      return undefined;
    }
    const key = keyOf(window, whom);
    const leftMs = this.remainingMs(key);
    if (leftMs > 0) {
      throw tooOften(window, limit, leftMs);
    }
    const { hits, remainingMs } = await this.storage.count(key, windowMs);
    if (hits > limit) {
      this.remember(key, remainingMs);
      throw tooOften(window, limit, remainingMs);
    }
    return toQuota(window, limit, limit - hits, remainingMs);
  }

  private remainingMs(key: string): number {
    const until = this.overUntil.get(key);
    if (until === undefined) {
      return 0;
    }
    const leftMs = until - performance.now();
    if (leftMs <= 0) {
      this.overUntil.delete(key);
    }
    return leftMs;
  }

  private remember(key: string, remainingMs: number): void {
    this.overUntil.set(key, performance.now() + remainingMs);
    const [oldest] = this.overUntil.keys();
    if (this.overUntil.size > maxRemembered && oldest !== undefined) {
      this.overUntil.delete(oldest);
    }
  }
}

/** Returns a digest, so that no user and no address is kept. */
function keyOf(window: keyof typeof windows, whom: string): string {
  return hash('sha256', `${window}:${whom}`, 'base64url');
}

function tooOften(window: keyof typeof windows, limit: number, remainingMs: number): RateLimitedError {
  const quota = toQuota(window, limit, 0, remainingMs);
  return new RateLimitedError(quota.resetSeconds, undefined, quota);
}

function toQuota(window: keyof typeof windows, limit: number, remaining: number, remainingMs: number): CallQuota {
  const resetSeconds = Math.max(1, Math.ceil(remainingMs / 1_000));
  return { policy: window, limit, windowSeconds: windowMs / 1_000, remaining, resetSeconds };
}
