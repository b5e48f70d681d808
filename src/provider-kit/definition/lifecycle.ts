import type { Lifecycle } from './provider-definition.js';

const dayMs = 24 * 3600 * 1_000;

/**
 * Returns the lifecycle on a given day. A provider that is retiring becomes retired on the day after its last day, in
 * UTC.
 *
 * @param lifecycle - as declared
 * @param now - the current instant
 */
export function lifecycleAt(lifecycle: Lifecycle, now: Date): Lifecycle {
  if (lifecycle.status !== 'retiring') {
    return lifecycle;
  }
  const retiredFrom = Date.parse(`${lifecycle.sunsetAt}T00:00:00Z`) + dayMs;
  return now.getTime() < retiredFrom ? lifecycle : { ...lifecycle, status: 'retired' };
}

/** Returns the slug of the provider's successor, if there is one. */
export function successorOf(lifecycle: Lifecycle): string | undefined {
  return lifecycle.status === 'live' ? undefined : lifecycle.replacedBy;
}
