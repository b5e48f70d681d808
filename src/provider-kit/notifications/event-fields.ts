import { fieldAt, readId } from '../responses/json-field.js';

/** Milliseconds of one unit of a timestamp. */
const unitMs = { seconds: 1_000, milliseconds: 1 } as const;

/**
 * Returns the elements of a list. A single object counts as a list of one, because some providers send either.
 *
 * @param path - where the list is, as for {@link fieldAt}; the body itself if absent
 */
export function listAt(body: unknown, path?: string): readonly unknown[] {
  const value = path === undefined ? body : fieldAt(body, path);
  if (Array.isArray(value)) {
    return value;
  }
  return typeof value === 'object' && value !== null ? [value] : [];
}

/** Returns an id or a name as text; `undefined` if it is absent, empty, too long, or a number that JSON has rounded. */
export function textAt(body: unknown, path: string): string | undefined {
  return readId(fieldAt(body, path));
}

/** Returns an instant; `undefined` if it is absent or malformed. */
export function instantAt(
  body: unknown,
  path: string,
  format: 'seconds' | 'milliseconds' | 'RFC 3339',
): Date | undefined {
  const value = fieldAt(body, path);
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,15}$/.test(value));
  const time =
    format === 'RFC 3339' ? typeof value === 'string' && Date.parse(value) : isNumber && Number(value) * unitMs[format];
  const instant = typeof time === 'number' ? new Date(time) : undefined;
  return instant !== undefined && Number.isFinite(instant.getTime()) ? instant : undefined;
}

/** Joins the parts that identify an event; `undefined` if all are absent. */
export function eventIdOf(...parts: readonly (string | undefined)[]): string | undefined {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? undefined : present.join(' ');
}
