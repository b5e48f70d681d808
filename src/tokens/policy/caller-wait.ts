/** Longest wait of a caller with a valid token for a new one, in milliseconds. */
const longestWaitMs = 2_000;
/** Least life left of a token that is returned after the wait, in milliseconds. */
const leastLifeMs = 5_000;

/**
 * Returns how long a caller waits for a refresh before it gets the token that still works, in milliseconds.
 *
 * A token with less than five seconds left may expire on its way to the provider. Then the caller waits for the end of
 * the refresh, as with an expired token. It gets the old token only if the refresh fails before the token expires.
 *
 * @param lifeMs - the life left of the token at the moment of the call
 */
export function callerWaitMs(lifeMs: number): number {
  return lifeMs < leastLifeMs ? Infinity : Math.min(longestWaitMs, lifeMs - leastLifeMs);
}

/**
 * Waits for a refresh.
 *
 * @param limitMs - may be `Infinity`
 * @returns false when the time limit passes first
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
