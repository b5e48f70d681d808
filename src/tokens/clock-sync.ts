import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { PeriodicTask } from '../clock/periodic-task.js';
import { Database, type Statement } from '../database/database.js';
import { codeOf } from '../errors/app-error.js';

const readTime: Statement = {
  name: 'clock-sync-read-time',
  text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"',
};

/** How often the clock is set, in milliseconds; a machine that slept has a clock that is behind. */
const syncIntervalMs = 15_000;
/** A difference that an operator should know of, in milliseconds. */
const notableDifferenceMs = 5_000;

/**
 * A claim that was taken right before the database's clock was set forward may still wait for its slot and then send, in milliseconds: that
 * time comes on top of what is given after an absence of the database.
 */
const jumpMs = 60_000;

/**
 * Sets the clock of this process by the database's, so that all replicas agree on when a token expires, however wrong the
 * clocks of their machines are.
 */
@Injectable()
export class ClockSync implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(ClockSync.name);
  private readonly again = new PeriodicTask(() => this.syncAgain());

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /** @throws {@link DatabaseUnavailableError} */
  async onModuleInit(): Promise<void> {
    const differenceMs = await this.sync();
    if (Math.abs(differenceMs) > notableDifferenceMs) {
      this.logger.warn(`The clock of this machine is ${Math.round(differenceMs)} ms behind the clock of the database.`);
    }
    this.again.start(syncIntervalMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.again.stop();
  }

  /**
   * Sets the clock again. Without a database it goes on as it is.
   *
   * Where the database's clock was set forward, claims and holds have ended early by so much: then what was under way gets the time
   * to be sent and committed.
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

  /** Returns by how much the clock was behind, in milliseconds; 0 where the reading took so long that it may be right as it is. */
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
