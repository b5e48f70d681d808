import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';

/** Pause after a failed step, for example while the database is unavailable, in milliseconds. */
const failurePauseMs = 1_000;

/** Repeats a step while the process runs, with the pause that each step returns. A failed step is repeated later. */
export class BackgroundLoop {
  private readonly logger: Logger;
  private running: Promise<void> | undefined;
  private stopped = false;
  private woken = new AbortController();

  /**
   * @param name - for the log
   * @param step - does the work that is due; returns the milliseconds until the next step
   */
  constructor(
    name: string,
    private readonly step: () => Promise<number>,
  ) {
    this.logger = new Logger(name);
  }

  /** Starts the loop; does nothing when it is already running. */
  start(): void {
    this.running ??= this.run();
  }

  /** Ends the pause, or skips the next one. */
  wake(): void {
    this.woken.abort();
  }

  /** Starts no further step, and waits for the running one. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const { signal } = this.woken;
      const pauseMs = await this.runStep();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        this.woken = new AbortController();
      }
    }
  }

  private async runStep(): Promise<number> {
    try {
      return await this.step();
    } catch (error) {
      if (error instanceof AppError) {
        this.logger.warn(`Waiting: ${error.code}.`);
      } else {
        this.logger.error(error);
      }
      return failurePauseMs;
    }
  }
}
