import { refreshProblems } from '../http/refresh-problems.js';

/** What a call that is made with a user's token can end in. */
export const tokenUseProblems = [
  'PROVIDER_UNKNOWN',
  'PROVIDER_NOT_CONFIGURED',
  'CONNECTION_NOT_FOUND',
  ...refreshProblems,
] as const;
