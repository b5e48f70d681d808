import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import { BackgroundJob } from './background-job.js';

/** How long the steps rest, in milliseconds, and how long a test waits for the next one at most. */
const restMs = 60_000;
const limitMs = 30_000;

/** Counts runs, and lets a test wait for the next one. */
class Steps {
  private readonly begun: (() => void)[] = [];
  count = 0;
  /** One step; it rests unless the test says otherwise. */
  act: () => Promise<number> = () => Promise.resolve(restMs);

  readonly step = async (): Promise<number> => {
    this.count += 1;
    this.begun.forEach((tell) => tell());
    return this.act();
  };

  async until(count: number): Promise<void> {
    while (this.count < count) {
      await new Promise<void>((resolve) => this.begun.push(resolve));
    }
  }
}

jest.setTimeout(limitMs);

describe('a background job', () => {
  let job: BackgroundJob | undefined;

  afterEach(async () => {
    jest.restoreAllMocks();
    await job?.stop();
  });

  function start(steps: Steps): BackgroundJob {
    job = new BackgroundJob({ name: 'Test', run: steps.step });
    job.start();
    return job;
  }

  it('rests as long as a step says, and continues when it is woken', async () => {
    const steps = new Steps();
    const started = start(steps);
    await steps.until(1);
    started.wake();
    await steps.until(2);
    expect(steps.count).toBe(2);
  });

  it('leaves out the next pause where it was woken during a step, which may have looked too early', async () => {
    const steps = new Steps();
    const first = Promise.withResolvers<number>();
    steps.act = () => first.promise;
    const started = start(steps);
    await steps.until(1);
    started.wake();
    steps.act = () => Promise.resolve(restMs);
    first.resolve(restMs);
    await steps.until(2);
    expect(steps.count).toBe(2);
  });

  it.each([
    ['the database is away', new DatabaseUnavailableError('It went away.')],
    ['a mistake of ours', new Error('A mistake.')],
  ])('repeats a step that fails: %s', async (_, error) => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const steps = new Steps();
    steps.act = () => Promise.reject(error);
    start(steps);
    await steps.until(1);
    steps.act = () => Promise.resolve(restMs);
    await steps.until(2);
  });

  it('is stopped when the step under way is over, and begins no other', async () => {
    const steps = new Steps();
    const first = Promise.withResolvers<number>();
    steps.act = () => first.promise;
    const started = start(steps);
    await steps.until(1);
    let isStopped = false;
    const stopping = started.stop().then(() => (isStopped = true));
    await Promise.resolve();
    expect(isStopped).toBe(false);
    first.resolve(0);
    await stopping;
    expect(steps.count).toBe(1);
  });

  it('runs once, however often it is started', async () => {
    const steps = new Steps();
    const first = Promise.withResolvers<number>();
    steps.act = () => first.promise;
    start(steps).start();
    await steps.until(1);
    await Promise.resolve();
    expect(steps.count).toBe(1);
    first.resolve(restMs);
  });
});
