import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { EventStore } from './event-store.js';

/** Most events that one statement places. */
const batchSize = 1_000;
/** How often the table is checked, in milliseconds. A receiver waits this long at most before its delivery starts. */
const pauseMs = 250;

/**
 * Places committed events in the stream.
 *
 * Numbers that are assigned before a commit can become visible out of order. A reader that has seen the later one would
 * miss the earlier one. So an event gets its place after its commit, from one publisher at a time.
 */
@Injectable()
export class EventPublisher {
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly store: EventStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: EventPublisher.name, run: () => this.step() });
  }

  /** Calls back when this process has placed events. */
  onPublished(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Places a batch of events.
   *
   * @returns whether there may be more
   * @throws {@link DatabaseUnavailableError}
   */
  async publish(): Promise<boolean> {
    const count = await this.store.publish(batchSize);
    if (count > 0) {
      this.listeners.forEach((tell) => tell());
    }
    return count === batchSize;
  }

  private async step(): Promise<number> {
    return (await this.publish()) ? 0 : pauseMs;
  }
}
