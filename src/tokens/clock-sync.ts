import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database, type Statement } from '../database/database.js';
import { AppError } from '../errors/app-error.js';

const readTime: Statement = {
  name: 'clock-sync-read-time',
  text: 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"',
};

/** How often the clock is set, in milliseconds; a machine that slept has a clock that is behind. */
const syncIntervalMs = 15_000;
/** A difference that an operator should know of, in milliseconds. */
const notableDifferenceMs = 5_000;

/**
 * Sets the clock of this process by the database's, so that all replicas agree on when a token expires, however wrong the
 * clocks of their machines are.
 */
@Injectable()
export class ClockSync implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(ClockSync.name);
  private timer: NodeJS.Timeout | undefined;
  private syncing: Promise<void> | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
  ) {}

  /** @throws {@link DatabaseUnavailableError} */
  async onModuleInit(): Promise<void> {
    const differenceMs = await this.sync();
    if (Math.abs(differenceMs) > notableDifferenceMs) {
      this.logger.warn(`The clock of this machine is ${Math.round(differenceMs)} ms behind that of the database.`);
    }
    this.timer = setInterval(() => {
      this.syncing ??= this.syncAgain().finally(() => {
        this.syncing = undefined;
      });
    }, syncIntervalMs).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.syncing;
  }

  /** Without a database the clock goes on as it is. */
  private async syncAgain(): Promise<void> {
    try {
      await this.sync();
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'INTERNAL_ERROR';
      this.logger.debug(`The clock was not set: ${code}.`);
    }
  }

  /** Returns by how much the clock was behind, in milliseconds. */
  private async sync(): Promise<number> {
    const askedAt = performance.now();
    const [row] = await this.database.query<{ nowMs: number }>(readTime);
    const roundTripMs = performance.now() - askedAt;
    if (row === undefined) {
      throw new Error('The database did not tell its time.');
    }
    const nowMs = row.nowMs + roundTripMs / 2;
    const differenceMs = nowMs - this.clock.now().getTime();
    this.clock.set(nowMs);
    return differenceMs;
  }
}
