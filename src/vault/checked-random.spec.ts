import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CheckedRandom } from './checked-random.js';

describe('CheckedRandom', () => {
  it.each([1, 2, 1_000])('CR-04 fails closed when a value comes again after %i', (period) => {
    const values = Array.from({ length: period }, () => randomBytes(32));
    let next = 0;
    const random = new CheckedRandom(() => values[next++ % period] ?? Buffer.alloc(0));
    for (const value of values) {
      expect(random.next()).toEqual(value);
    }
    expect(() => random.next()).toThrow(/returned the same bytes twice/);
    values.splice(0, period, ...Array.from({ length: period }, () => randomBytes(32)));
    expect(() => random.next()).toThrow(/returned the same bytes twice/);
  });

  it('gives as many values as are wanted', () => {
    const random = new CheckedRandom();
    const values = new Set(Array.from({ length: 3_000 }, () => random.next().toString('hex')));
    expect(values.size).toBe(3_000);
  });
});
