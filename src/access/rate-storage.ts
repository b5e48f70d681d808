/** The state of one window. */
export interface CountedCall {
  /** Calls in this window, this one included. */
  readonly hits: number;
  /** Until the next window, in milliseconds. */
  readonly remainingMs: number;
}

/** Counts calls. */
export abstract class RateStorage {
  /**
   * Counts one call. The first call of a key, and the first after its window has ended, begins a window.
   *
   * @param key - a digest that names the counted party
   * @param windowMs - length of a window, in milliseconds
   * @throws {@link DatabaseUnavailableError} when it counts in the database, and that does not respond
   */
  abstract count(key: string, windowMs: number): Promise<CountedCall>;
}
