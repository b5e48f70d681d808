import { DatabaseUnavailableError } from '../errors/request.errors.js';

/** Limits of a {@link MicroBatch}. */
export interface MicroBatchLimits {
  /** The most items in a batch. */
  readonly maxItems: number;
  /** The most items that wait; more are refused. */
  readonly maxWaiting: number;
}

interface WaitingItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Shares one statement between the callers who want it at the same time.
 *
 * Items that come while a batch runs form the next batch. If none runs, the items of one turn of the event loop form
 * one. Nobody waits for a timer, and every item is in a batch that begins after the item came.
 */
export class MicroBatch<Item, Result> {
  private waiting: WaitingItem<Item, Result>[] = [];
  private running: Promise<void> | undefined;

  /**
   * @param run - runs the statement for all items and returns one result for each, in their order. If it throws, all of
   *   them fail.
   * @param limits - most items in a batch, and most items that wait
   */
  constructor(
    private readonly run: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly limits: MicroBatchLimits,
  ) {}

  /**
   * Adds an item to the next batch.
   *
   * @returns its result
   * @throws {@link DatabaseUnavailableError} when too many items wait: the database does not keep up
   * @throws the error of the statement
   */
  add(item: Item): Promise<Result> {
    if (this.waiting.length >= this.limits.maxWaiting) {
      const detail = `${this.limits.maxWaiting} items are waiting for one statement`;
      const message = 'The database is overloaded at the moment. Try again.';
      return Promise.reject(new DatabaseUnavailableError(message, { detail, retryAfterSeconds: 5 }));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.runAll();
    });
  }

  /** Waits until no batch runs. */
  async settle(): Promise<void> {
    await this.running;
  }

  private async runAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, this.limits.maxItems);
      this.waiting = this.waiting.slice(this.limits.maxItems);
      try {
        const results = await this.run(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, at) => resolve(results[at] as Result));
      } catch (error) {
        batch.forEach(({ reject }) => reject(error));
      }
    }
    // In the same turn as the last check of the queue, so that a later item starts a new run.
    this.running = undefined;
  }
}
