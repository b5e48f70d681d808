/** How the delay between attempts grows. */
export interface BackoffPolicy {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** At least 1. */
  readonly factor: number;
}

/** One second, doubling, at most a quarter of an hour. */
export const refreshBackoff: BackoffPolicy = { initialDelayMs: 1_000, maxDelayMs: 15 * 60 * 1_000, factor: 2 };

/**
 * One minute, doubling, at most six hours: somebody must fix a key or a row, and every attempt is an error in the log.
 */
export const unreadableBackoff: BackoffPolicy = { initialDelayMs: 60_000, maxDelayMs: 6 * 3_600_000, factor: 2 };

/** Five seconds, doubling, at most an hour: nobody waits for it. */
export const revocationBackoff: BackoffPolicy = { initialDelayMs: 5_000, maxDelayMs: 3_600_000, factor: 2 };

/**
 * Returns how long to wait before the next attempt: exponential, capped, full jitter.
 *
 * Pure: the caller supplies the randomness, so equal inputs give equal delays.
 *
 * @param failedAttempts - attempts already failed; an integer from 1
 * @param policy - durations in milliseconds
 * @param random - a number in [0, 1), as from `Math.random`; 1 for the full delay
 * @returns milliseconds, an integer in [0, `policy.maxDelayMs`]
 * @throws RangeError when `failedAttempts` is not a positive integer
 */
export function backoffDelayMs(failedAttempts: number, policy: BackoffPolicy, random: number): number {
  if (!Number.isInteger(failedAttempts) || failedAttempts < 1) {
    throw new RangeError(`failedAttempts must be a positive integer, got ${failedAttempts}`);
  }
  const uncapped = policy.initialDelayMs * policy.factor ** (failedAttempts - 1);
  return Math.floor(Math.min(uncapped, policy.maxDelayMs) * random);
}
