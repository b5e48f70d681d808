/**
 * Upper limit for values sealed under one branch key. NIST SP 800-38D section 8.3 allows 2^32 messages with random IVs.
 * Replicas report their counts at intervals. So each stops 2^28 before the limit, which leaves room for the values that
 * the others have not reported.
 */
export const maxOperations = 2 ** 32 - 2 ** 28;

/** From here on a key should be replaced. */
export const operationsToWarnAt = Math.floor(0.9 * 2 ** 32);

/** From this age on a key should be replaced, in seconds. */
export const activeSecondsToWarnAt = 90 * 24 * 60 * 60;

/**
 * Tells why a key should be replaced now, if it should.
 *
 * @param operations - values sealed under it
 * @param activeForSeconds - since it became active
 */
export function rotationReason(operations: number, activeForSeconds: number): string | undefined {
  if (operations >= operationsToWarnAt) {
    return `it has sealed ${operations} values, and the limit is ${maxOperations}`;
  }
  const days = Math.floor(activeForSeconds / 86_400);
  return activeForSeconds >= activeSecondsToWarnAt ? `it has been active for ${days} days` : undefined;
}
