import { z } from 'zod';

/** Reads an own field of an object, so that `__proto__` and `constructor` in a response mean nothing. */
export function ownField(body: unknown, name: string | undefined): unknown {
  return typeof body === 'object' && body !== null && name !== undefined && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

/**
 * Follows a path of field names joined by dots, such as `objects.0.id`, by {@link ownField}.
 *
 * @param paths - one path, or several joined by `|`; the first one with a value counts
 */
export function fieldAt(body: unknown, paths: string): unknown {
  return paths
    .split('|')
    .map((path) => path.split('.').reduce(ownField, body))
    .find((value) => value !== undefined);
}

/** An id. A number beyond 2^53 has lost digits, unless it was kept as text, and would name another user. */
const idSchema = z.union([z.string().min(1).max(255), z.int().transform(String)]);

/** Returns an id as text; `undefined` when the value is no id, or a number that JSON has rounded. */
export function readId(value: unknown): string | undefined {
  return idSchema.safeParse(value).data;
}
