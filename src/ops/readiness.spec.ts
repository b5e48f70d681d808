import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { Database } from '../database/database.js';
import type { Draining } from '../http/draining.js';
import type { TokensConfig } from '../tokens/tokens.config.js';
import type { KeyRing } from '../vault/key-ring.js';
import { ReadinessService } from './readiness.js';

describe('readiness without a usable key', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeEach(() => void process.on('unhandledRejection', note));
  afterEach(() => void process.off('unhandledRejection', note));

  it('waits for a slow database, and leaves no failure that nobody waits for, which would end the process', async () => {
    const database = Promise.withResolvers<never>();
    const readiness = new ReadinessService(
      { query: () => database.promise } as unknown as Database,
      {} as DataSource,
      { usableKids: () => [] } as unknown as KeyRing,
      { isActive: true } as Draining,
      {} as TokensConfig,
    );

    const checked = readiness.check();
    // Node looks for rejections without a handler after each turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    database.reject(new Error('a mistake of ours'));

    await expect(checked).rejects.toThrow('a mistake of ours');
    expect(unhandled).toEqual([]);
  });
});
