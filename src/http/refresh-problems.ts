/** Errors of calls that need a token, which may need a refresh. */
export const refreshProblems = [
  'PROVIDER_RETIRED',
  'TOKEN_REVOKED',
  'TOKEN_REFRESH_PENDING',
  'CONNECTION_FROZEN',
  'TOKEN_UNREADABLE',
  'TOKEN_RESPONSE_INVALID',
  'PROVIDER_MISCONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
] as const;
