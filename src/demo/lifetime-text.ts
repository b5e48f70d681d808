/**
 * Says how long a token works.
 *
 * @param expiresAt - RFC 3339; `null` if it never expires
 */
export function lifetimeText(expiresAt: string | null, nowMs: number): string {
  if (expiresAt === null) {
    return 'has no known end';
  }
  const seconds = Math.round((Date.parse(expiresAt) - nowMs) / 1000);
  if (seconds <= 0) {
    return 'has expired';
  }
  return seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`;
}
