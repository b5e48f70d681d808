import { Clock } from '../../src/clock/clock.js';

/** A clock that runs with the real one and can be put forward. Shared by the application and the sandbox. */
export class TestClock extends Clock {
  private offsetMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  /** Puts the clock forward. */
  advance(milliseconds: number): void {
    this.offsetMs += milliseconds;
  }
}
