import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { BackgroundJob, type BackgroundJobOptions } from './background-job.js';

/**
 * The processes of a job:
 * - `everywhere`: every process, from the start of the application on.
 * - `workers`: only processes that do background work for all users.
 */
export type JobPlace = 'everywhere' | 'workers';

/** The background jobs of this process. A service adds its jobs when it is constructed. */
@Injectable()
export class BackgroundJobs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly jobs: { readonly job: BackgroundJob; readonly place: JobPlace }[] = [];

  /** Adds a job. The returned job may be woken or stopped early. */
  add(place: JobPlace, options: BackgroundJobOptions): BackgroundJob {
    const job = new BackgroundJob(options);
    this.jobs.push({ job, place });
    return job;
  }

  onApplicationBootstrap(): void {
    this.start('everywhere');
  }

  /** Starts the jobs of workers. Call it once the application has started, in processes that do background work. */
  startWorkers(): void {
    this.start('workers');
  }

  /** Starts no further run of any job, and waits for the current ones. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.jobs.map(({ job }) => job.stop()));
  }

  private start(where: JobPlace): void {
    this.jobs.filter(({ place }) => place === where).forEach(({ job }) => job.start());
  }
}
