import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { eventRetentionDays } from '../events/event-purge.js';
import { AttemptStore } from './attempt-store.js';

const retentionMs = eventRetentionDays * 24 * 3_600_000;
/** Most rows that one statement deletes, so that no statement holds locks for long. */
const maxRows = 1_000;
const pauseMs = 10 * 60 * 1_000;

/** Deletes attempts as old as the oldest events (LOG-09). */
@Injectable()
export class AttemptPurge {
  constructor(
    private readonly store: AttemptStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: AttemptPurge.name, run: () => this.sweep() });
  }

  /**
   * Deletes a batch of old attempts.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    return (await this.store.purge(retentionMs, maxRows)) === maxRows ? 0 : pauseMs;
  }
}
