import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';

/** Time for sealing and saving after the provider has responded. A lease outlives the call by this much. */
const commitBudgetMs = 10_000;

/**
 * Longest wait after SIGTERM for an overdue response, in milliseconds. Shorter than the time that a process gets to
 * stop.
 */
export const stopPatienceMs = 15_000;

/**
 * Length of a lease that is taken just before the provider is called, in milliseconds. Two calls may be made within it.
 */
export function leaseLengthMs(definition: ProviderDefinition): number {
  return (definition.oauth === '2.0' ? 2 * definition.refresh.timeoutMs : 0) + commitBudgetMs;
}

/**
 * How long a refresh leased by the scheduler may wait for a permit, in milliseconds: as long as the refresh before it
 * may take. After that its lease is returned.
 */
export function permitWaitMs(definition: ProviderDefinition): number {
  return leaseLengthMs(definition);
}

/** Length of a lease that is taken before a permit, in milliseconds. */
export function dueLeaseLengthMs(definition: ProviderDefinition): number {
  return permitWaitMs(definition) + leaseLengthMs(definition);
}

/**
 * How long an attempt of unknown outcome keeps its refresh token from being sent again, in milliseconds. A provider
 * that forgives a repeated refresh token needs no hold.
 */
export function inDoubtHoldMs(definition: ProviderDefinition, strictHoldMs: number): number {
  return definition.oauth === '1.0a' || forgivesRepeat(definition) ? 0 : strictHoldMs;
}

/**
 * How long the response to a refresh is awaited, in milliseconds from the lease on: until shortly before the token
 * could be sent again. A value below the definition's own time limit adds nothing to it.
 *
 * A provider that forgives repetition for some seconds gets a repetition within them. If it forgives without a limit,
 * only the renewed lease holds other processes back, and the hold serves as the limit.
 */
export function patienceMs(definition: ProviderDefinition, strictHoldMs: number): number {
  const grace = definition.oauth === '2.0' ? definition.refresh.grace : 'none';
  const windowMs = typeof grace === 'object' ? grace.seconds * 1_000 : Infinity;
  return Math.max(0, Math.min(strictHoldMs, windowMs) - commitBudgetMs);
}

/** Whether a refresh token may be sent again when the response to it was lost. */
export function forgivesRepeat(definition: ProviderDefinition): boolean {
  if (definition.oauth === '1.0a') {
    return false;
  }
  const { rotates, reuse, grace } = definition.refresh;
  return rotates === 'never' || reuse === 'ignored' || grace !== 'none';
}
