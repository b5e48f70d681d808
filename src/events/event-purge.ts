import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { EventStore } from './event-store.js';

/** How long events are kept, in days. */
export const eventRetentionDays = 30;

const retentionMs = eventRetentionDays * 24 * 3_600_000;
/** Most rows that one statement deletes, so that no statement holds locks for long. */
const maxRows = 1_000;
const pauseMs = 10 * 60 * 1_000;

/** Deletes events that are older than {@link eventRetentionDays} (LOG-09). */
@Injectable()
export class EventPurge {
  constructor(
    private readonly store: EventStore,
    jobs: BackgroundJobs,
  ) {
    jobs.add('workers', { name: EventPurge.name, run: () => this.sweep() });
  }

  /**
   * Deletes a batch of old events.
   *
   * @returns milliseconds until the next call; 0 while there is more
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    return (await this.store.purge(retentionMs, maxRows)) === maxRows ? 0 : pauseMs;
  }
}
