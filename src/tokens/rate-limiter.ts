/**
 * A token bucket: so many per second over time, and after a pause at most one second's worth at once.
 *
 * Pure but for what it counts: the caller supplies the instants, in milliseconds that never go back.
 */
export class RateLimiter {
  private stored: number;
  private countedAtMs: number;

  /**
   * @param perSecond - at least 1
   * @param nowMs - the instant from which it counts
   */
  constructor(
    private readonly perSecond: number,
    nowMs: number,
  ) {
    this.stored = perSecond;
    this.countedAtMs = nowMs;
  }

  /** Returns how many may be taken now; a whole number. */
  available(nowMs: number): number {
    this.stored = Math.min(this.perSecond, this.stored + ((nowMs - this.countedAtMs) * this.perSecond) / 1_000);
    this.countedAtMs = nowMs;
    return Math.floor(this.stored);
  }

  /** Takes some of what {@link available} told, possibly long ago: together with what came since it is still a second's worth at most. */
  take(count: number, nowMs: number): void {
    this.available(nowMs);
    this.stored -= count;
  }
}
