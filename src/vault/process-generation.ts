/**
 * The version of stored values that this process understands. During an upgrade two versions run together. So no
 * process may write a value that another live process would misread.
 *
 * - 1: version 1.0.0, which does not write its generation.
 * - 2: keys of suite 2, and frozen connections.
 *
 * Keys of a suite need the generation of the same number.
 */
export const processGeneration = 2;

/** The first generation of processes that refresh no frozen connection. */
export const freezingGeneration = 2;
