import { isNativeError } from 'node:util/types';

/**
 * Returns the name of the constraint that an error of PostgreSQL is about, if any. Citus names it in the message alone,
 * with the number of the shard behind it.
 */
export function violatedConstraint(error: unknown): string | undefined {
  if (!isNativeError(error)) {
    return undefined;
  }
  return 'constraint' in error && typeof error.constraint === 'string'
    ? error.constraint
    : /constraint "(.+)_\d+"$/.exec(error.message)?.[1];
}
