import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Clock } from '../clock/clock.js';
import type { Database } from './database.js';
import { ClockSync } from './clock-sync.js';

describe('ClockSync (R-12)', () => {
  const clock = new Clock();
  const noteAbsence = jest.fn();
  /** Of the process. */
  let monotonicMs: number;
  /** The database's clock, minus that one. */
  let aheadMs: number;
  /** How long its response is under way. */
  let responseMs: number;
  let sync: ClockSync;

  beforeEach(async () => {
    [monotonicMs, aheadMs, responseMs] = [1_000, 1_700_000_000_000, 0];
    jest.spyOn(performance, 'now').mockImplementation(() => monotonicMs);
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const query = (): Promise<object[]> => {
      const nowMs = monotonicMs + aheadMs;
      monotonicMs += responseMs;
      return Promise.resolve([{ nowMs }]);
    };
    sync = new ClockSync(clock, { query, noteAbsence } as unknown as Database, new BackgroundJobs());
    await sync.syncAgain();
    noteAbsence.mockClear();
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** By how much the clock is behind that of the database. */
  const behindMs = (): number => monotonicMs + aheadMs - clock.now().getTime();

  it('sets the clock by that of the database', async () => {
    expect(behindMs()).toBe(0);
    aheadMs -= 300;
    await sync.syncAgain();
    expect(behindMs()).toBe(0);
    expect(noteAbsence).not.toHaveBeenCalled();
  });

  it('leaves a clock alone that a late response does not contradict', async () => {
    responseMs = 12_000;
    await sync.syncAgain();
    expect(behindMs()).toBe(0);
    expect(noteAbsence).not.toHaveBeenCalled();
  });

  it('notices that the clock of the database was set forward, also by such a response', async () => {
    responseMs = 12_000;
    aheadMs += 3_600_000;
    await sync.syncAgain();
    expect(behindMs()).toBe(6_000);
    expect(noteAbsence.mock.calls).toEqual([[60_000]]);
    responseMs = 2;
    await sync.syncAgain();
    expect(behindMs()).toBe(1);
  });
});
