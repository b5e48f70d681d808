const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration such as `30m`, `24h` or `90d`.
 *
 * @returns milliseconds; `undefined` when it is not one
 */
export function parseDurationMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  return count === undefined || unit === undefined ? undefined : Number(count) * (unitsMs[unit] ?? 0);
}
