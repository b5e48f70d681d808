import { appendFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';

/**
 * Returns the `describe` of tests that need a PostgreSQL of their own, or one without Citus. On Citus they do not run,
 * and the run lists them.
 *
 * @param reason - completes "not on Citus: "
 */
export function describeOnPlain(reason: string): typeof describe | typeof describe.skip {
  if (process.env['CITUS_DATABASE_URL'] === undefined) {
    return describe;
  }
  const { testPath } = expect.getState();
  appendFileSync(process.env['NOT_ON_CITUS_FILE'] ?? '', `${JSON.stringify({ testPath, reason })}\n`);
  return describe.skip;
}
