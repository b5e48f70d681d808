/** The longest that a caller with a working token waits for a new one, in milliseconds. */
const longestWaitMs = 2_000;
/** What is left of the life of a token that is handed out after the wait, in milliseconds. */
const leastLifeMs = 5_000;

/**
 * Returns how long a caller waits for a refresh before it gets the token that still works, in milliseconds.
 *
 * A token with less than five seconds left may end on its way to the provider. Then the caller waits for the refresh to its end, as for that
 * of an expired token, and gets the old token only if the refresh fails before the token ends.
 *
 * @param lifeMs - what is left of the token's life at the moment of the call
 */
export function callerWaitMs(lifeMs: number): number {
  return lifeMs < leastLifeMs ? Infinity : Math.min(longestWaitMs, lifeMs - leastLifeMs);
}

/**
 * Waits for a refresh.
 *
 * @param limitMs - may be `Infinity`
 * @returns false when the time is over first
 * @throws what the refresh throws
 */
export async function endsWithin(refresh: Promise<void>, limitMs: number): Promise<boolean> {
  if (limitMs === Infinity) {
    await refresh;
    return true;
  }
  const timeout = Promise.withResolvers<false>();
  const timer = setTimeout(timeout.resolve, limitMs, false);
  try {
    return await Promise.race([refresh.then(() => true), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
