import { describe, expect, it } from '@jest/globals';
import { BoundedMap } from './bounded-map.js';
import { CallHistory } from '../call-history.js';

describe('BoundedMap', () => {
  it('forgets the oldest entry beyond its limit', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    map.set('c', 4);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([undefined, 2, 4, 2]);
  });
});

describe('CallHistory', () => {
  it('stays below thirty thousand entries and keeps the newest twenty thousand', () => {
    let now = 0;
    const history = new CallHistory(() => now);
    for (; now < 100_000; now += 1) {
      history.begin('api', undefined);
    }
    expect(history.entries.length).toBeLessThanOrEqual(30_000);
    expect(history.entries.length).toBeGreaterThanOrEqual(20_000);
    expect(history.entries.at(-1)?.at).toBe(99_999);
  });
});
