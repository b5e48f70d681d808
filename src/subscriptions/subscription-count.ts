import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { SubscriptionStore } from './subscription-store.js';
import { subscriptions } from './subscriptions.metrics.js';

/** A count reads the whole table. */
const pauseMs = 60_000;

/** Counts subscriptions for the metrics. */
@Injectable()
export class SubscriptionCount {
  constructor(
    private readonly store: SubscriptionStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: SubscriptionCount.name, run: () => this.sweep() });
  }

  /**
   * Counts once.
   *
   * @returns milliseconds until the next count
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const summaries = await this.store.summarize();
    subscriptions.reset();
    for (const { provider, state, count } of summaries) {
      subscriptions.inc({ provider, state }, count);
    }
    return pauseMs;
  }
}
