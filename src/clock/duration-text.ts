const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/**
 * Writes a duration for a person, in the largest unit that gives a whole number: `30 days`, `10 minutes`, `90 seconds`.
 *
 * @param seconds - from 0 on
 */
export function durationText(seconds: number): string {
  const [name, length] = units.find(([, each]) => seconds >= each && seconds % each === 0) ?? ['second', 1];
  const count = seconds / length;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
