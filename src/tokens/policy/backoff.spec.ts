import { describe, expect, it } from '@jest/globals';
import { backoffDelayMs, refreshBackoff, type BackoffPolicy } from './backoff.js';

/** The delays of the first attempts, with the greatest randomness there is. */
function sequence(attempts: number, policy: BackoffPolicy, random = 1): number[] {
  return Array.from({ length: attempts }, (_, index) => backoffDelayMs(index + 1, policy, random));
}

describe('backoffDelayMs', () => {
  it('doubles from one second and stays at a quarter of an hour (R-09)', () => {
    expect(sequence(13, refreshBackoff)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 900_000, 900_000, 900_000,
    ]);
  });

  it('spreads attempts over the whole delay, from nothing on (R-09)', () => {
    expect(sequence(5, refreshBackoff, 0)).toEqual([0, 0, 0, 0, 0]);
    expect(sequence(5, refreshBackoff, 0.25)).toEqual([250, 500, 1_000, 2_000, 4_000]);
    expect(backoffDelayMs(40, refreshBackoff, 0.5)).toBe(450_000);
  });

  it('starts with the initial delay of the policy', () => {
    expect(sequence(4, { initialDelayMs: 30, maxDelayMs: 100_000, factor: 2 })).toEqual([30, 60, 120, 240]);
    expect(sequence(3, { initialDelayMs: 0, maxDelayMs: 100_000, factor: 2 })).toEqual([0, 0, 0]);
  });

  it('grows by the factor of the policy', () => {
    expect(sequence(5, { initialDelayMs: 10, maxDelayMs: 100_000, factor: 3 })).toEqual([10, 30, 90, 270, 810]);
    expect(sequence(3, { initialDelayMs: 10, maxDelayMs: 100_000, factor: 1.5 })).toEqual([10, 15, 22]);
    expect(sequence(3, { initialDelayMs: 10, maxDelayMs: 100_000, factor: 1 })).toEqual([10, 10, 10]);
  });

  it('never exceeds the maximum of the policy', () => {
    expect(sequence(5, { initialDelayMs: 10, maxDelayMs: 35, factor: 2 })).toEqual([10, 20, 35, 35, 35]);
    expect(sequence(2, { initialDelayMs: 500, maxDelayMs: 100, factor: 2 })).toEqual([100, 100]);
    expect(sequence(2, { initialDelayMs: 500, maxDelayMs: 0, factor: 2 })).toEqual([0, 0]);
  });

  it('stays at the maximum where the power is beyond every number', () => {
    expect(backoffDelayMs(1_000_000, refreshBackoff, 1)).toBe(900_000);
  });

  it('returns whole milliseconds', () => {
    expect(backoffDelayMs(1, { initialDelayMs: 10, maxDelayMs: 100, factor: 2 }, 0.99)).toBe(9);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d failed attempts', (failedAttempts) => {
    expect(() => backoffDelayMs(failedAttempts, refreshBackoff, 0.5)).toThrow(RangeError);
  });
});
