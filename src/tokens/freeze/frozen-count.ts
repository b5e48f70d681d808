import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { frozenConnections } from '../tokens.metrics.js';
import { FreezeStore } from './freeze-store.js';

const pauseMs = 15_000;

/** Counts frozen connections for the metrics: a freeze that somebody has forgotten ends connections. */
@Injectable()
export class FrozenCount {
  constructor(
    private readonly store: FreezeStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: FrozenCount.name, run: () => this.sweep() });
  }

  /**
   * Counts once.
   *
   * @returns milliseconds until the next count
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const counts = await this.store.count();
    frozenConnections.reset();
    for (const { provider, frozen } of counts) {
      frozenConnections.set({ provider }, frozen);
    }
    return pauseMs;
  }
}
