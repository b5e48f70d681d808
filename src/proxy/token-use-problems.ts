import { refreshProblems } from '../http/refresh-problems.js';

/** Errors of calls that are made with a user's token. */
export const tokenUseProblems = [
  'PROVIDER_UNKNOWN',
  'PROVIDER_NOT_CONFIGURED',
  'CONNECTION_NOT_FOUND',
  ...refreshProblems,
] as const;
