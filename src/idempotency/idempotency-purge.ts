import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { IdempotencyStore } from './idempotency-store.js';

/** The most rows that one statement deletes, so that none holds locks for long. */
const maxRows = 1_000;
const pauseMs = 10 * 60_000;

/** Deletes the responses of calls that can no longer be repeated. */
@Injectable()
export class IdempotencyPurge {
  constructor(
    private readonly store: IdempotencyStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('everywhere', { name: IdempotencyPurge.name, run: () => this.sweep() });
  }

  /**
   * Deletes a batch of them.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    return (await this.store.purge(maxRows)) === maxRows ? 0 : pauseMs;
  }
}
