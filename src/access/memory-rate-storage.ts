import { RateStorage, type CountedCall } from './rate-storage.js';

interface Window {
  hits: number;
  readonly endsAt: number;
}

/** Counts calls in this process, in constant time and bounded memory. */
export class MemoryRateStorage extends RateStorage {
  /** The oldest first. */
  private readonly windows = new Map<string, Window>();

  /**
   * @param capacity - most windows that are kept; the oldest is dropped first
   * @param nowMs - a monotonic clock, in milliseconds
   */
  constructor(
    private readonly capacity = 100_000,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    super();
  }

  override count(key: string, windowMs: number): Promise<CountedCall> {
    // Whole milliseconds: the rest of a window must not be longer than the window, not even by a rounding error.
    const now = Math.floor(this.nowMs());
    let window = this.windows.get(key);
    if (window === undefined || window.endsAt <= now) {
      window = { hits: 0, endsAt: now + windowMs };
      this.windows.delete(key);
      this.forgetOldest(now);
      this.windows.set(key, window);
    }
    window.hits += 1;
    return Promise.resolve({ hits: window.hits, remainingMs: window.endsAt - now });
  }

  /** Upper limit for the windows in memory. */
  get size(): number {
    return this.windows.size;
  }

  /** Drops at most two windows for each new one, so that no single call takes long. */
  private forgetOldest(now: number): void {
    for (let count = 0; count < 2; count += 1) {
      const [oldest] = this.windows;
      if (oldest === undefined || (oldest[1].endsAt > now && this.windows.size < this.capacity)) {
        return;
      }
      this.windows.delete(oldest[0]);
    }
  }
}
