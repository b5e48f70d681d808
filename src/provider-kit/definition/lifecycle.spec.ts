import { describe, expect, it } from '@jest/globals';
import { lifecycleAt } from './lifecycle.js';

const retiring = { status: 'retiring', sunsetAt: '2026-12-31', replacedBy: 'successor' } as const;

describe('lifecycleAt', () => {
  it.each([
    ['2026-11-22T10:00:00Z', 'retiring'],
    ['2026-12-31T23:59:59Z', 'retiring'],
    ['2027-01-01T00:00:00Z', 'retired'],
    ['2028-02-29T00:00:00Z', 'retired'],
  ])('at %s says that a provider whose last day is 2026-12-31 is %s', (now, status) => {
    expect(lifecycleAt(retiring, new Date(now))).toEqual({ ...retiring, status });
  });

  it('leaves live and retired providers as they are', () => {
    const now = new Date('2030-01-01T00:00:00Z');
    expect(lifecycleAt({ status: 'live' }, now)).toEqual({ status: 'live' });
    expect(lifecycleAt({ ...retiring, status: 'retired' }, new Date(0))).toEqual({ ...retiring, status: 'retired' });
  });
});
