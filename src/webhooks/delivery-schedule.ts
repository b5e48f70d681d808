/** Pauses between the attempts of one delivery, in seconds: a receiver may be down for a weekend. */
const pausesSeconds = [5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Longest pause that a receiver can ask for with `Retry-After`, in seconds. */
const longestPauseSeconds = 86_400;

/** Attempts of one delivery before it has failed. */
export const mostAttempts = pausesSeconds.length + 1;

/**
 * Returns the pause after a failed attempt. It grows with each attempt, has jitter, and is at least as long as the
 * receiver asked for.
 *
 * Pure: the caller supplies the randomness.
 *
 * @param attempt - the number of the failed attempt, from 1
 * @param retryAfterSeconds - of the response; `undefined` if it had none
 * @param random - a number in [0, 1)
 * @returns whole seconds; `undefined` when no attempt is left
 */
export function pauseAfterSeconds(
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: number,
): number | undefined {
  const pause = pausesSeconds[attempt - 1];
  if (pause === undefined) {
    return undefined;
  }
  const asked = Math.min(retryAfterSeconds ?? 0, longestPauseSeconds);
  return Math.round(Math.max(pause * (0.8 + 0.4 * random), asked));
}
