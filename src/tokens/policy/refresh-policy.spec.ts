import { describe, expect, it } from '@jest/globals';
import type { OAuth2Definition, RefreshPolicy } from '../../provider-kit/definition/provider-definition.js';
import { leaseLengthMs, dueLeaseLengthMs, patienceMs } from './refresh-policy.js';

const strictHoldMs = 120_000;

/** As far as the policy reads a definition. */
function definition(refresh: Partial<RefreshPolicy>): OAuth2Definition {
  const strict = { rotates: 'always', reuse: 'family-revoked', grace: 'none', timeoutMs: 10_000 };
  return { oauth: '2.0', refresh: { ...strict, ...refresh } } as unknown as OAuth2Definition;
}

describe('a lease', () => {
  it.each([
    [10_000, 30_000, 60_000],
    [15_000, 40_000, 80_000],
  ])(
    'lasts for two calls of %i ms and the commit: %i ms, and %i ms with the wait for a permit',
    (timeoutMs, length, due) => {
      expect(leaseLengthMs(definition({ timeoutMs }))).toBe(length);
      expect(dueLeaseLengthMs(definition({ timeoutMs }))).toBe(due);
    },
  );
});

describe('patienceMs', () => {
  it.each([
    ['a strict provider', {}, strictHoldMs, 110_000],
    ['a provider that does not rotate', { rotates: 'never' }, strictHoldMs, 110_000],
    [
      'a provider that takes the old token until the new one is used',
      { grace: 'until-new-token-used' },
      strictHoldMs,
      110_000,
    ],
    ['a provider with a window', { grace: { seconds: 60 } }, strictHoldMs, 50_000],
    ['a provider with a window longer than the hold', { grace: { seconds: 600 } }, strictHoldMs, 110_000],
    ['a strict provider without a hold', {}, 0, 0],
  ] as const)(
    'reads the response of %s on until shortly before the token could be sent again (R-08)',
    (_what, refresh, hold, patience) => {
      expect(patienceMs(definition(refresh), hold)).toBe(patience);
    },
  );
});
