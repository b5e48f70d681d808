/** What a call can end in that needs a token, which may have to be refreshed for it. */
export const refreshProblems = [
  'PROVIDER_RETIRED',
  'TOKEN_REVOKED',
  'TOKEN_REFRESH_PENDING',
  'TOKEN_UNREADABLE',
  'TOKEN_RESPONSE_INVALID',
  'PROVIDER_MISCONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_RATE_LIMITED',
] as const;
