import { Logger } from '@nestjs/common';
import { AppError } from '../errors/app-error.js';

/** Pause after a failed run, for example while the database is unavailable, in milliseconds. */
const failurePauseMs = 1_000;

/** The work of a job, and its times. */
export interface BackgroundJobOptions {
  /** For the log. */
  readonly name: string;
  /** Pause before the first run, in milliseconds. */
  readonly firstRunInMs?: number;
  /** Does the work that is due. Returns the milliseconds until the next run. */
  readonly run: () => Promise<number>;
}

/**
 * Repeats work while the process runs, one run at a time. A failed run is logged and repeated. The job does not keep
 * the process alive.
 */
export class BackgroundJob {
  private readonly logger: Logger;
  private running: Promise<void> | undefined;
  private isStopped = false;
  private isWoken = false;
  private endPause: () => void = () => undefined;

  constructor(private readonly options: BackgroundJobOptions) {
    this.logger = new Logger(options.name);
  }

  /** Starts the job; does nothing when it is already running, or was stopped. */
  start(): void {
    this.running ??= this.repeat();
  }

  /** Ends the pause, or skips the next one. */
  wake(): void {
    this.isWoken = true;
    this.endPause();
  }

  /** Starts no further run, and waits for the current one. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.wake();
    await this.running;
  }

  private async repeat(): Promise<void> {
    const { firstRunInMs } = this.options;
    if (firstRunInMs !== undefined) {
      await this.pause(firstRunInMs);
    }
    while (!this.isStopped) {
      await this.pause(await this.runOnce());
    }
  }

  private async pause(pauseMs: number): Promise<void> {
    if (!this.isWoken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs).unref();
        this.endPause = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.isWoken = false;
  }

  private async runOnce(): Promise<number> {
    try {
      return await this.options.run();
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
