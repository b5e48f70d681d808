import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';

/** How long after a failed step the next one comes, such as while the database is away, in milliseconds. */
const failurePauseMs = 1_000;

/** Repeats a step for as long as the process runs, with the pause that each step asks for. A step that fails is repeated later. */
export class BackgroundLoop {
  private readonly logger: Logger;
  private running: Promise<void> | undefined;
  private stopped = false;
  private woken = new AbortController();

  /**
   * @param name - for the log
   * @param step - does what is to be done now; returns after how many milliseconds to look again
   */
  constructor(
    name: string,
    private readonly step: () => Promise<number>,
  ) {
    this.logger = new Logger(name);
  }

  /** Begins; does nothing when it has begun before. */
  start(): void {
    this.running ??= this.run();
  }

  /** Ends the pause, or leaves out the next one. */
  wake(): void {
    this.woken.abort();
  }

  /** Begins no further step, and waits for the one under way. */
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
