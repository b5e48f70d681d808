import { describe, expect, it } from '@jest/globals';
import { MemoryRateStorage } from './memory-rate-storage.js';

describe('MemoryRateStorage', () => {
  it('counts each window for itself, and returns the rest of it', async () => {
    let now = 0;
    const storage = new MemoryRateStorage(10, () => now);
    const next = () => storage.count('a', 60_000);
    expect(await next()).toEqual({ hits: 1, remainingMs: 60_000 });
    now = 59_000;
    expect(await next()).toEqual({ hits: 2, remainingMs: 1_000 });
    expect(await storage.count('b', 60_000)).toEqual({ hits: 1, remainingMs: 60_000 });
    now = 60_000;
    expect(await next()).toEqual({ hits: 1, remainingMs: 60_000 });
  });

  it('returns at most the length of the window when that begins at a fraction of a millisecond', async () => {
    const storage = new MemoryRateStorage(10, () => 48_912.42341760592);
    expect(await storage.count('a', 60_000)).toEqual({ hits: 1, remainingMs: 60_000 });
  });

  it('keeps no more windows than it has room for, the newest, and forgets those that have ended (AR-25)', async () => {
    let now = 0;
    const storage = new MemoryRateStorage(100, () => now);
    for (let index = 0; index < 10_000; index += 1) {
      await storage.count(`key-${index}`, 60_000);
    }
    expect(storage.size).toBe(100);
    expect(await storage.count('key-9999', 60_000)).toMatchObject({ hits: 2 });
    now = 60_000;
    for (let index = 0; index < 99; index += 1) {
      await storage.count('again', 1);
      now += 1;
    }
    expect(storage.size).toBeLessThan(3);
  });
});
