/**
 * A token bucket: a rate per second over time, and after a pause at most one second's worth at once.
 *
 * Pure except for its counter: the caller supplies the instants, in milliseconds that never go back.
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

  /** Returns how many may be taken now, as a whole number. */
  available(nowMs: number): number {
    this.stored = Math.min(this.perSecond, this.stored + ((nowMs - this.countedAtMs) * this.perSecond) / 1_000);
    this.countedAtMs = nowMs;
    return Math.floor(this.stored);
  }

  /**
   * Takes some of the number that {@link available} returned, even long ago. Together with the share that came since,
   * it is at most one second's worth.
   */
  take(count: number, nowMs: number): void {
    this.available(nowMs);
    this.stored -= count;
  }
}
