import { jest } from '@jest/globals';

/**
 * Stops the clock by which this process measures, until mocks are restored: windows and ages then pass as the test
 * says.
 */
export function stopClock(): { advance(milliseconds: number): void } {
  let nowMs = performance.now();
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return {
    advance: (milliseconds) => {
      nowMs += milliseconds;
    },
  };
}
