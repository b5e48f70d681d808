import { describe, expect, it } from '@jest/globals';
import { RefreshConcurrency, type RefreshPriority, type PermitRequest } from './refresh-concurrency.js';
import { readTokensConfig } from '../tokens.config.js';

describe('RefreshConcurrency', () => {
  const started: string[] = [];

  function slotsOf(concurrency: number): RefreshConcurrency {
    started.length = 0;
    return new RefreshConcurrency(readTokensConfig({ PROVIDER_CONCURRENCY: String(concurrency) }));
  }

  function wait(slots: RefreshConcurrency, name: string, priority: RefreshPriority, provider = 'slow'): PermitRequest {
    const request = { provider, priority };
    void slots.acquire(request, 60_000).then((acquired) => acquired && started.push(name));
    return request;
  }

  /** Lets promises that are settled run on. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('NET-04 lets only so many start, and other providers all the same', async () => {
    const slots = slotsOf(2);
    for (const name of ['first', 'second', 'third']) {
      wait(slots, name, 'on-demand');
    }
    wait(slots, 'elsewhere', 'background', 'fast');
    await settle();
    expect(started).toEqual(['first', 'second', 'elsewhere']);
    expect(slots.free('slow')).toBe(0);
    expect(slots.free('fast')).toBe(1);
    for (let slot = 0; slot < 3; slot += 1) {
      slots.release({ provider: 'slow' });
    }
    await settle();
    expect(started).toEqual(['first', 'second', 'elsewhere', 'third']);
    expect(slots.free('slow')).toBe(2);
  });

  it('R-10 R-27 lets those that somebody waits for go first, in the order of their arrival', async () => {
    const slots = slotsOf(1);
    wait(slots, 'running', 'background');
    wait(slots, 'background', 'background');
    wait(slots, 'asked for', 'on-demand');
    wait(slots, 'asked for later', 'on-demand');
    const risen = wait(slots, 'risen', 'background');
    risen.priority = 'on-demand';
    for (let slot = 0; slot < 4; slot += 1) {
      slots.release({ provider: 'slow' });
    }
    await settle();
    expect(started).toEqual(['running', 'asked for', 'asked for later', 'risen', 'background']);
  });

  it('lets others start while some take long, half as many as there are slots at most (NET-04)', async () => {
    const slots = slotsOf(2);
    const [first, second] = ['first', 'second'].map((name) => wait(slots, name, 'on-demand'));
    ['third', 'fourth'].forEach((name) => wait(slots, name, 'on-demand'));
    await settle();
    slots.giveOn(first as PermitRequest);
    slots.giveOn(second as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third']);
    slots.release(first as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third']);
    slots.release(second as PermitRequest);
    await settle();
    expect(started).toEqual(['first', 'second', 'third', 'fourth']);
    slots.release({ provider: 'slow' });
    slots.release({ provider: 'slow' });
    expect(slots.free('slow')).toBe(2);
  });

  it('gives up waiting in time, and then takes no slot', async () => {
    const slots = slotsOf(1);
    wait(slots, 'running', 'on-demand');
    await expect(slots.acquire({ provider: 'slow', priority: 'on-demand' }, 1)).resolves.toBe(false);
    slots.release({ provider: 'slow' });
    expect(slots.free('slow')).toBe(1);
  });
});
