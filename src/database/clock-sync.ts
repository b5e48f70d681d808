import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Clock } from '../clock/clock.js';
import { Database, type Statement } from './database.js';
import { codeOf } from '../errors/app-error.js';

const readTime: Statement = {
  name: 'clock-sync-read-time',
  text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"',
};

/** Interval of synchronization in milliseconds. A machine that slept has a clock that is behind. */
const syncIntervalMs = 15_000;
/** A difference that is logged for the operator, in milliseconds. */
const notableDifferenceMs = 5_000;

/**
 * Extra grace period (ms) after a forward clock jump, on top of that after a database outage. The owner of a lease from
 * right before the jump may still wait for its permit and then send.
 */
const jumpMs = 60_000;

/**
 * Synchronizes the clock of this process with the database's. So all replicas agree on when a token expires, even if
 * the clocks of their machines are wrong.
 */
@Injectable()
export class ClockSync implements OnModuleInit {
  private readonly logger = new Logger(ClockSync.name);

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    jobs: BackgroundJobs,
  ) {
    jobs.add('everywhere', {
      name: ClockSync.name,
      firstRunInMs: syncIntervalMs,
      run: async () => {
        await this.syncAgain();
        return syncIntervalMs;
      },
    });
  }

  /** @throws {@link DatabaseUnavailableError} */
  async onModuleInit(): Promise<void> {
    const differenceMs = await this.sync();
    if (Math.abs(differenceMs) > notableDifferenceMs) {
      this.logger.warn(`The clock of this machine is ${Math.round(differenceMs)} ms behind the clock of the database.`);
    }
  }

  /**
   * Synchronizes the clock again. Without a database it keeps running.
   *
   * After a forward jump of the database's clock, leases and holds end too early by the same amount. Refreshes in
   * flight then get time to be sent and committed.
   */
  async syncAgain(): Promise<void> {
    try {
      const differenceMs = await this.sync();
      if (differenceMs > notableDifferenceMs) {
        this.database.noteAbsence(jumpMs);
        this.logger.warn(`The clock of the database was set forward by ${Math.round(differenceMs)} ms.`);
      }
    } catch (error) {
      const code = codeOf(error);
      this.logger.debug(`The clock could not be synchronized: ${code}.`);
    }
  }

  /**
   * Returns by how much the clock was behind, in milliseconds; 0 when the reading took so long that the clock may be
   * right.
   */
  private async sync(): Promise<number> {
    const askedAt = performance.now();
    const [row] = await this.database.query<{ nowMs: number }>(readTime);
    const roundTripMs = performance.now() - askedAt;
    if (row === undefined) {
      throw new Error('The database did not return its time.');
    }
    const nowMs = row.nowMs + roundTripMs / 2;
    const differenceMs = nowMs - this.clock.now().getTime();
    if (Math.abs(differenceMs) <= roundTripMs / 2) {
      return 0;
    }
    this.clock.set(nowMs);
    return differenceMs;
  }
}
