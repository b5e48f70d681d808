import { describe, expect, it } from '@jest/globals';
import { durationText } from './duration-text.js';

describe('durationText', () => {
  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, '1 minute'],
    [90, '90 seconds'],
    [600, '10 minutes'],
    [5_400, '90 minutes'],
    [43_200, '12 hours'],
    [86_400, '1 day'],
    [259_200, '3 days'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
