import { describe, expect, it } from '@jest/globals';
import { RefreshConcurrency, type RefreshPriority, type PermitRequest } from './refresh-concurrency.js';
import { readTokensConfig } from '../tokens.config.js';

describe('RefreshConcurrency', () => {
  const started: string[] = [];

  function concurrencyOf(concurrency: number): RefreshConcurrency {
    started.length = 0;
    return new RefreshConcurrency(readTokensConfig({ PROVIDER_CONCURRENCY: String(concurrency) }));
  }

  function wait(
    concurrency: RefreshConcurrency,
    name: string,
    priority: RefreshPriority,
    provider = 'slow',
  ): PermitRequest {
    const request = { provider, priority };
    void concurrency.acquire(request, 60_000).then((acquired) => acquired && started.push(name));
    return request;
  }

  /** Lets promises that are settled run on. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('limits the calls in flight at one provider, and no other provider (NET-04)', async () => {
    const concurrency = concurrencyOf(2);
    for (const name of ['first', 'second', 'third']) {
      wait(concurrency, name, 'on-demand');
    }
    wait(concurrency, 'elsewhere', 'background', 'fast');
    await settle();
    expect(started).toEqual(['first', 'second', 'elsewhere']);
    expect(concurrency.free('slow')).toBe(0);
    expect(concurrency.free('fast')).toBe(1);
    for (let permit = 0; permit < 3; permit += 1) {
      concurrency.release({ provider: 'slow' });
    }
    await settle();
    expect(started).toEqual(['first', 'second', 'elsewhere', 'third']);
    expect(concurrency.free('slow')).toBe(2);
  });

  it('lets those that somebody waits for go first, in the order of their arrival (R-10, R-27)', async () => {
    const concurrency = concurrencyOf(1);
    wait(concurrency, 'running', 'background');
    wait(concurrency, 'background', 'background');
    wait(concurrency, 'asked for', 'on-demand');
    wait(concurrency, 'asked for later', 'on-demand');
    const risen = wait(concurrency, 'risen', 'background');
    risen.priority = 'on-demand';
    for (let permit = 0; permit < 4; permit += 1) {
      concurrency.release({ provider: 'slow' });
    }
    await settle();
    expect(started).toEqual(['running', 'asked for', 'asked for later', 'risen', 'background']);
  });

  it('lets others start while some take long, half as many as there are permits at most (NET-04)', async () => {
    const concurrency = concurrencyOf(2);
    const [first, second] = ['first', 'second'].map((name) => wait(concurrency, name, 'on-demand'));
    ['third', 'fourth'].forEach((name) => wait(concurrency, name, 'on-demand'));
    await settle();
    concurrency.releaseEarly(first as PermitRequest);
    concurrency.releaseEarly(second as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third']);
    concurrency.release(first as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third']);
    concurrency.release(second as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third', 'fourth']);
    concurrency.release({ provider: 'slow' });
    concurrency.release({ provider: 'slow' });
    expect(concurrency.free('slow')).toBe(2);
  });

  it('gives up waiting in time, and then takes no permit', async () => {
    const concurrency = concurrencyOf(1);
    wait(concurrency, 'running', 'on-demand');
    await expect(concurrency.acquire({ provider: 'slow', priority: 'on-demand' }, 1)).resolves.toBe(false);
    concurrency.release({ provider: 'slow' });
    expect(concurrency.free('slow')).toBe(1);
  });
});
