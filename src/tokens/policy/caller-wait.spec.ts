import { describe, expect, it } from '@jest/globals';
import { callerWaitMs, endsWithin } from './caller-wait.js';

describe('callerWaitMs', () => {
  it.each([
    [Infinity, 2_000],
    [60_000, 2_000],
    [7_001, 2_000],
    [7_000, 2_000],
    [6_999, 1_999],
    [5_001, 1],
    [5_000, 0],
  ])(
    'lets a caller whose token has %i ms left wait %i ms, so that five seconds are left after it (R-02)',
    (life, wait) => {
      expect(callerWaitMs(life)).toBe(wait);
    },
  );

  it.each([[4_999], [1], [0], [-1]])(
    'lets a caller with %i ms of token life left wait to the end of the refresh (R-02)',
    (life) => {
      expect(callerWaitMs(life)).toBe(Infinity);
    },
  );
});

describe('endsWithin', () => {
  it('reports whether the refresh came first', async () => {
    await expect(endsWithin(Promise.resolve(), 0)).resolves.toBe(true);
    await expect(endsWithin(new Promise(() => undefined), 0)).resolves.toBe(false);
    await expect(endsWithin(Promise.resolve(), Infinity)).resolves.toBe(true);
  });

  it.each([[60_000], [Infinity]])('throws the error of the refresh within %i ms', async (limitMs) => {
    const failed = new Error('the refresh failed');
    await expect(endsWithin(Promise.reject(failed), limitMs)).rejects.toBe(failed);
  });
});
