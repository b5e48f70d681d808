import type { ProviderDefinition } from '../provider-kit/provider-definition.js';

/** What sealing and saving may take after the provider has answered; a claim outlives the call by this much. */
const commitBudgetMs = 10_000;

/** The longest wait after SIGTERM for a response that is overdue, in milliseconds; below the time that a process gets to stop. */
export const stopPatienceMs = 15_000;

/** How long a claim lasts that is taken just before the provider is called, in milliseconds. Within it, two calls may be made. */
export function claimLengthMs(definition: ProviderDefinition): number {
  return (definition.oauth === '2.0' ? 2 * definition.refresh.timeoutMs : 0) + commitBudgetMs;
}

/**
 * How long a refresh that the scheduler has claimed may wait for a slot, in milliseconds: as long as the one before it may take. After
 * that its claim is given back.
 */
export function slotWaitMs(definition: ProviderDefinition): number {
  return claimLengthMs(definition);
}

/** How long a claim lasts that is taken ahead of a slot, in milliseconds. */
export function dueClaimLengthMs(definition: ProviderDefinition): number {
  return slotWaitMs(definition) + claimLengthMs(definition);
}

/**
 * How long an attempt of unknown outcome keeps its refresh token from being sent again, in milliseconds. Where the provider forgives a
 * repeated refresh token that needs no hold.
 */
export function inDoubtHoldMs(definition: ProviderDefinition, strictHoldMs: number): number {
  return definition.oauth === '1.0a' || forgivesRepeat(definition) ? 0 : strictHoldMs;
}

/**
 * How long the response to a refresh token is read, in milliseconds from the claim on: until shortly before the token could be sent again.
 * A shorter time than the definition's own time limit adds nothing to it.
 *
 * A provider that forgives a repetition for some seconds gets one while they last. Where it forgives without a limit, nothing but the
 * renewed claim holds others back, and the hold is as good a limit as any.
 */
export function patienceMs(definition: ProviderDefinition, strictHoldMs: number): number {
  const grace = definition.oauth === '2.0' ? definition.refresh.grace : 'none';
  const windowMs = typeof grace === 'object' ? grace.seconds * 1_000 : Infinity;
  return Math.max(0, Math.min(strictHoldMs, windowMs) - commitBudgetMs);
}

/** Whether a refresh token may be sent again when the answer to it was lost. */
export function forgivesRepeat(definition: ProviderDefinition): boolean {
  if (definition.oauth === '1.0a') {
    return false;
  }
  const { rotates, reuse, grace } = definition.refresh;
  return rotates === 'never' || reuse === 'ignored' || grace !== 'none';
}
