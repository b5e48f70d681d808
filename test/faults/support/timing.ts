/*
 * Stretches of time in seconds for `passTime`, each a little longer than the one that it has to outlast.
 */

/** More than the lease of a caller, and less than the hold. */
export const leaseSeconds = 35;
/** More than the hold of an attempt whose outcome is unknown. */
export const holdSeconds = 150;
/** More than the time that must lie between two refusals of a refresh token. */
export const confirmationSeconds = 4_800;
/** More than the longest pause after a failure. */
export const pauseSeconds = 3_700;
