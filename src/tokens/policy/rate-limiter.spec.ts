import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from './rate-limiter.js';

describe('RateLimiter', () => {
  it('gives the set number per second, also after a long pause (R-27)', () => {
    const limiter = new RateLimiter(20, 0);
    expect(limiter.available(0)).toBe(20);
    expect(limiter.available(7_200_000)).toBe(20);
    limiter.take(20, 7_200_000);
    expect(limiter.available(7_200_000)).toBe(0);
    expect(limiter.available(7_200_040)).toBe(0);
    expect(limiter.available(7_200_050)).toBe(1);
    expect(limiter.available(7_200_500)).toBe(10);
  });

  it('gives no further second at once when a promised one is taken late (R-27)', () => {
    const limiter = new RateLimiter(20, 0);
    expect(limiter.available(1_000)).toBe(20);
    limiter.take(20, 3_000);
    expect(limiter.available(3_000)).toBe(0);
    expect(limiter.available(3_500)).toBe(10);
  });

  it('loses no fraction to frequent looking', () => {
    const limiter = new RateLimiter(10, 0);
    limiter.take(10, 0);
    for (let now = 1; now < 1_000; now += 1) {
      limiter.available(now);
    }
    expect(limiter.available(1_000)).toBeGreaterThanOrEqual(9);
  });
});
