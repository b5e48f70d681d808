import { describe, expect, it } from '@jest/globals';
import { mostAttempts, pauseAfterSeconds } from './delivery-schedule.js';

describe('the schedule of a delivery', () => {
  it('lasts for more than three days, with longer and longer pauses', () => {
    const pauses = Array.from({ length: mostAttempts - 1 }, (_, at) => pauseAfterSeconds(at + 1, undefined, 0.5) ?? 0);
    expect(pauses).toEqual([...pauses].sort((one, other) => one - other));
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(3 * 86_400);
    expect(pauseAfterSeconds(mostAttempts, undefined, 0.5)).toBeUndefined();
  });

  it('spreads each pause by a fifth to both sides', () => {
    expect(pauseAfterSeconds(3, undefined, 0)).toBe(240);
    expect(pauseAfterSeconds(3, undefined, 0.999_999)).toBe(360);
  });

  it('waits as long as the receiver asks for, and for a day at most', () => {
    expect(pauseAfterSeconds(1, 600, 0.5)).toBe(600);
    expect(pauseAfterSeconds(4, 600, 0.5)).toBe(1_800);
    expect(pauseAfterSeconds(1, 10 * 86_400, 0.5)).toBe(86_400);
  });
});
