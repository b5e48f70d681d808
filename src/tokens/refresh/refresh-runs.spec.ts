import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../store/connection.js';
import { RefreshRuns, type RefreshRun } from './refresh-runs.js';

const connection = { id: 'one', provider: 'whoop' } as Connection;

/** Starts a refresh that ends when it is told to. */
function start(runs: RefreshRuns): { run: RefreshRun; end: () => Promise<void>; fail: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const run = runs.start(connection, 'background', () => promise);
  const end = async (): Promise<void> => {
    resolve();
    await run.done;
  };
  return { run, end, fail: reject };
}

describe('the refreshes under way in a process', () => {
  it('can be joined until they are over, those that fail too (R-11)', async () => {
    const runs = new RefreshRuns();
    const { run, fail } = start(runs);
    expect(runs.find(connection)).toBe(run);
    fail(new Error('refused'));
    await expect(run.done).rejects.toThrow('refused');
    await expect(run.told).rejects.toThrow('refused');
    expect(runs.find(connection)).toBeUndefined();
  });

  it('keep waiting callers with the refresh that they have joined, if another one begins beside it (R-11)', async () => {
    const runs = new RefreshRuns();
    const [first, second] = [start(runs), start(runs)];
    expect(runs.find(connection)).toBe(first.run);
    await second.end();
    expect(runs.find(connection)).toBe(first.run);
    await first.end();
    expect(runs.find(connection)).toBeUndefined();
  });

  it('fail as late for their callers while they continue (R-08)', async () => {
    const runs = new RefreshRuns();
    const { run, end } = start(runs);
    run.request.overdue.reject(new Error('late'));
    await expect(run.told).rejects.toThrow('late');
    expect(runs.find(connection)).toBe(run);
    await end();
  });

  it('are settled when all are over, however they end (R-23)', async () => {
    const runs = new RefreshRuns();
    const { run, fail } = start(runs);
    let isSettled = false;
    const settling = runs.settled().then(() => (isSettled = true));
    await Promise.resolve();
    expect(isSettled).toBe(false);
    fail(new Error('refused'));
    await expect(run.done).rejects.toThrow('refused');
    await settling;
  });
});
