import { inspect } from 'node:util';
import { expect } from '@jest/globals';

/** Stands for a secret that no error may show. */
export const canary = 'canary5ecret';

/** Returns the error of a promise that must reject, and checks that no way of printing it shows the canary (LOG-02). */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (reason: unknown) => reason,
  );
  const printed = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`;
  expect(printed).not.toContain(canary);
  return error;
}
