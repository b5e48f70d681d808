import { describe, expect, it } from '@jest/globals';
import type { Clock } from '../../clock/clock.js';
import type { HealthProvider } from '../health-provider.js';
import type { Lifecycle } from './provider-definition.js';
import { ProviderLifecycle } from './provider-lifecycle.js';

const lastDay = '2026-12-31';
const [before, after] = ['2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z'];
const retiring: Lifecycle = { status: 'retiring', sunsetAt: lastDay, replacedBy: 'successor' };
const retired: Lifecycle = { ...retiring, status: 'retired' };

describe('a provider that has shut down (TE-16)', () => {
  it.each([
    ['the day after its last one', retiring, 'configured', false, after, true],
    ['its last day', retiring, 'configured', false, before, false],
    ['any day, where it is known to be gone', retired, 'configured', false, before, true],
    ['any day, without credentials of the company', retired, 'not-configured', false, after, true],
    ['any day, when it lives', { status: 'live' } as const, 'configured', false, after, false],
    ['any day, as a fake in the sandbox', retired, 'sandbox', false, after, false],
    ['any day, where ALLOW_RETIRED_PROVIDERS says so', retired, 'configured', true, after, false],
  ])('is one on %s (%j, %s, allowed: %s, at %s): %s', (_, lifecycle, mode, allowRetired, now, isRetired) => {
    const subject = new ProviderLifecycle({ now: () => new Date(now) } as Clock, { allowRetired });
    const provider = { definition: { displayName: 'Example', lifecycle }, settings: { mode } } as HealthProvider;

    expect(subject.isRetired(provider)).toBe(isRetired);

    const check = () => subject.check(provider);
    if (isRetired) {
      expect(check).toThrow(expect.objectContaining({ code: 'PROVIDER_RETIRED' }));
      expect(check).toThrow('Link the user with "successor" instead.');
    } else {
      expect(check).not.toThrow();
    }
  });
});
