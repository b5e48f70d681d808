import type { ProviderDefinition } from '../provider-kit/provider-definition.js';

/** What sealing and saving may take after the provider has answered; a claim outlives the call by this much. */
const commitBudgetMs = 10_000;

/** How long a claim lasts that is taken just before the provider is called, in milliseconds. */
export function claimLengthMs(definition: ProviderDefinition): number {
  return (definition.oauth === '2.0' ? definition.refresh.timeoutMs : 0) + commitBudgetMs;
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
  if (definition.oauth === '1.0a') {
    return 0;
  }
  const { rotates, reuse, grace } = definition.refresh;
  return rotates === 'never' || reuse === 'ignored' || grace !== 'none' ? 0 : strictHoldMs;
}
