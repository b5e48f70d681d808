import type { ProviderDefinition } from '../definition/provider-definition.js';

/** Total time of a request that has no refresh policy to set it, in milliseconds. */
export const defaultTimeoutMs = 10_000;

/**
 * Returns the total time that a request to this provider may take, in milliseconds.
 *
 * @param definition - OAuth 2.0 definitions set it in their refresh policy; OAuth 1.0a has none, so
 *   {@link defaultTimeoutMs} holds
 */
export function requestTimeoutMs(definition: ProviderDefinition): number {
  return definition.oauth === '2.0' ? definition.refresh.timeoutMs : defaultTimeoutMs;
}
