/** Characters of an access token, unless a benchmark asks for others. With them a token set has about a kilobyte. */
export const usualTokenLength = 640;

/**
 * Returns a token set, as JSON can hold it.
 *
 * @param tokenLength - characters of the access token; the refresh token has about a third
 */
export function makeTokenSet(user: number, tokenLength = usualTokenLength) {
  return {
    accessToken: `access-${user}-`.padEnd(tokenLength, 'aB3_-9'),
    refreshToken: `refresh-${user}-`.padEnd(Math.floor(tokenLength / 3.2), 'zY8-_1'),
    expiresAt: '2100-01-01T00:00:00.000Z',
    grantedScopes: ['read', 'activity:read_all', 'profile:read_all'],
    providerUserId: String(1_000_000 + user),
    obtainedAt: '2026-01-01T00:00:00.000Z',
  };
}
