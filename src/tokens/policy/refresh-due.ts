import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import type { TokenSet } from '../token-set.js';

/** Share of a token's lifetime over which refreshes of connections that were linked together are spread. */
const spread = 0.1;

/**
 * Returns after how many milliseconds the scheduler should refresh a token set.
 *
 * Two things make a refresh due; the earlier one counts:
 * - The access token: before it has less life left than the margin, unless the provider wants refreshes on demand only.
 * - The refresh token: after a quarter to a half of its idle lifetime, or of the lifetime that the provider gave it. So
 *   an unused connection never expires for lack of use.
 *
 * Both are spread by jitter, so that connections linked together are not refreshed together forever. A provider's
 * minimum refresh interval is kept.
 *
 * Pure: the caller supplies instant and randomness.
 *
 * @param tokens - the set that is about to be stored
 * @param definition - the provider's definition
 * @param marginMs - an access token with less life left than this is refreshed on request. For short-lived tokens a
 *   quarter of their lifetime counts instead, if that is less.
 * @param now - the current instant, on the clock that set the expiries
 * @param random - a number in [0, 1)
 * @returns milliseconds, an integer from 0, or `null` when only a caller makes a refresh due
 */
export function refreshDueInMs(
  tokens: Pick<TokenSet, 'refreshToken' | 'expiresAt' | 'refreshExpiresAt'>,
  definition: ProviderDefinition,
  marginMs: number,
  now: Date,
  random: number,
): number | null {
  if (definition.oauth !== '2.0' || tokens.refreshToken === undefined) {
    return null;
  }
  const idleMs = (definition.refresh.refreshTokenIdleSeconds ?? Infinity) * 1_000;
  const keepAliveMs = Math.min(idleMs, lifeMs(tokens.refreshExpiresAt, now)) * 0.5 * (1 - 0.5 * random);
  const accessLifeMs = definition.refreshOnDemandOnly === true ? Infinity : lifeMs(tokens.expiresAt, now);
  const dueMs = Math.min(keepAliveMs, beforeExpiryMs(accessLifeMs, marginMs, random));
  if (dueMs === Infinity) {
    return null;
  }
  const leastMs = (definition.minRefreshIntervalSeconds ?? 0) * 1_000 * (1 + spread * random);
  return Math.max(0, Math.round(Math.max(dueMs, leastMs)));
}

function beforeExpiryMs(accessLifeMs: number, marginMs: number, random: number): number {
  // A case of its own, because Infinity - Infinity is not a number.
  return accessLifeMs === Infinity
    ? Infinity
    : accessLifeMs - Math.min(marginMs, accessLifeMs / 4) - accessLifeMs * spread * random;
}

function lifeMs(endsAt: Date | undefined, now: Date): number {
  return endsAt === undefined ? Infinity : Math.max(0, endsAt.getTime() - now.getTime());
}
