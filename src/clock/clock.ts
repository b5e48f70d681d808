import { Injectable } from '@nestjs/common';

/**
 * The time of the deployment: that of this machine until it is set. Tests replace it. Leases and backoff use the
 * database's clock instead.
 *
 * It runs on monotonic time, so that a jump of the machine's wall clock makes no token look expired, or alive.
 */
@Injectable()
export class Clock {
  /** Milliseconds since 1970 when monotonic time was 0. */
  private originMs = Date.now() - performance.now();

  /** Returns the current instant. */
  now(): Date {
    return new Date(this.originMs + performance.now());
  }

  /**
   * Sets the clock.
   *
   * @param nowMs - milliseconds since 1970
   */
  set(nowMs: number): void {
    this.originMs = nowMs - performance.now();
  }
}
