import { z } from 'zod';

/** Reads a field that the object has itself, so that `__proto__` and `constructor` in a response mean nothing. */
export function ownField(body: unknown, name: string | undefined): unknown {
  return typeof body === 'object' && body !== null && name !== undefined && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

/**
 * Follows a path of field names joined by dots, such as `objects.0.id`, through what {@link ownField} reads.
 *
 * @param paths - one path, or several joined by `|`: the first counts that leads to something
 */
export function fieldAt(body: unknown, paths: string): unknown {
  return paths
    .split('|')
    .map((path) => path.split('.').reduce(ownField, body))
    .find((value) => value !== undefined);
}

/** A number beyond 2^53 that was not kept as text has already lost digits and would name somebody else. */
const idSchema = z.union([z.string().min(1).max(255), z.int().transform(String)]);

/** Returns an id as text; `undefined` when the value is none, or a number that JSON has already rounded. */
export function readId(value: unknown): string | undefined {
  return idSchema.safeParse(value).data;
}
