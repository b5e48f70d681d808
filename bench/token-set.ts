/** Returns a token set of about one kilobyte, as JSON can hold it. */
export function makeTokenSet(user: number) {
  return {
    accessToken: `access-${user}-`.padEnd(640, 'aB3_-9'),
    refreshToken: `refresh-${user}-`.padEnd(200, 'zY8-_1'),
    expiresAt: '2100-01-01T00:00:00.000Z',
    grantedScopes: ['read', 'activity:read_all', 'profile:read_all'],
    providerUserId: String(1_000_000 + user),
    obtainedAt: '2026-01-01T00:00:00.000Z',
  };
}
