import { describe, expect, it } from '@jest/globals';
import { BackgroundJobs, type JobPlace } from './background-jobs.js';

const longMs = 60_000;

describe('the background jobs of a process', () => {
  function addTo(jobs: BackgroundJobs, place: JobPlace, runs: string[]): void {
    jobs.add(place, {
      name: place,
      run: () => {
        runs.push(place);
        return Promise.resolve(longMs);
      },
    });
  }

  it('start with the application, but for those of workers', async () => {
    const runs: string[] = [];
    const jobs = new BackgroundJobs();
    addTo(jobs, 'everywhere', runs);
    addTo(jobs, 'workers', runs);

    jobs.onApplicationBootstrap();
    expect(runs).toEqual(['everywhere']);
    jobs.startWorkers();
    expect(runs).toEqual(['everywhere', 'workers']);

    await jobs.beforeApplicationShutdown();
  });

  it('are stopped with the application when their current runs are over', async () => {
    const jobs = new BackgroundJobs();
    const current = Promise.withResolvers<number>();
    jobs.add('everywhere', { name: 'slow', run: () => current.promise });
    jobs.onApplicationBootstrap();

    let areStopped = false;
    const stopping = jobs.beforeApplicationShutdown().then(() => (areStopped = true));
    await new Promise(setImmediate);
    expect(areStopped).toBe(false);
    current.resolve(longMs);
    await stopping;
  });

  it('do not start after they were stopped', async () => {
    const runs: string[] = [];
    const jobs = new BackgroundJobs();
    addTo(jobs, 'workers', runs);
    await jobs.beforeApplicationShutdown();

    jobs.startWorkers();
    expect(runs).toEqual([]);
  });
});
